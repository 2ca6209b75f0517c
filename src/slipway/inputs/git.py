"""The recipe's `repositories`: each fetched at one commit, without its history, and pinned by it.

git does the work (2.39 or later), told apart from the settings of this machine (`slipway.inputs.gitaccess`). Fetched
commits and the trees of their files stay in the cache; what is there is used without asking anybody, as long as the
answer that led to it is young enough.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import VerifyError, Where
from slipway.files import read_json, write_json
from slipway.inputs.gitaddress import parse
from slipway.inputs.gitanswers import Answer
from slipway.inputs.gittree import Flags, Tree, known_tree, tree_path
from slipway.inputs.gitwork import Work, pinned, placed, read, recalled
from slipway.oci.digest import key_of
from slipway.recipe.model import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.events import Reporter
    from slipway.inputs.repository import PinnedRepository
    from slipway.settings import Settings


def pin_repositories(
    items: Sequence[Repository],
    settings: Settings,
    reporter: Reporter,
    *,
    proxy: Mapping[str, str] | None = None,
    refresh: bool = False,
    now: float | None = None,
    directory: Path | None = None,
    stop: threading.Event | None = None,
) -> list[PinnedRepository]:
    """`items` as they are now, in their order; several are brought in side by side.

    `proxy` are variables (HTTPS_PROXY, NO_PROXY, SOCKS_PROXY and so on) beside those of the settings. `refresh` asks
    whatever is remembered, and reads the trees in the cache again. `now` is in seconds since 1970. Paths are against `directory`, or
    else the working directory. `stop`, when set, ends the work. An error carries the place of its item in the recipe.
    """
    moment = time.time() if now is None else now
    work = Work(settings, reporter, proxy or {}, stop, now=moment, refresh=refresh)
    wanted = [read(item, directory) for item in items]
    known = [None if refresh else recalled(one, settings, moment) for one in wanted]
    return work.bring(wanted, known)


def recall(
    items: Sequence[Repository], settings: Settings, *, now: float | None, directory: Path
) -> list[PinnedRepository] | None:
    """`items` when nobody has to be asked for any of them; what `pin_repositories` would return then."""
    moment = time.time() if now is None else now
    known = [recalled(read(item, directory), settings, moment) for item in items]
    found = [one for one in known if one is not None]
    return found if len(found) == len(known) else None


def pin_commits(
    items: Sequence[Repository],
    promises: Sequence[PinnedRepository],
    settings: Settings,
    reporter: Reporter,
    *,
    proxy: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stop: threading.Event | None = None,
) -> list[PinnedRepository]:
    """The trees of `promises`, which a lock has of `items`: exactly those commits, and no question what is new.

    `VerifyError` when a commit has other files than promised.
    """
    work = Work(settings, reporter, proxy or {}, stop, now=0.0, refresh=False)
    wanted = [read(item, directory) for item in items]
    known = [promise if promise.tree.listing else None for promise in promises]
    answers = [Answer("", p.commit, p.commit, p.heads, p.tags, 0.0) for p in promises]
    found = work.bring(wanted, known, answers)
    for item, promise, made in zip(items, promises, found, strict=True):
        if made.tree.sha256 != promise.tree.sha256:
            raise VerifyError(
                f"commit {promise.commit} of {promise.url} has not the files that the lock says",
                details=f"sha256 {made.tree.sha256}, in the lock {promise.tree.sha256}",
                where=item.where,
            )
    return found


def promised(
    item: Repository,
    commit: str,
    sha256: str,
    size: int,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    settings: Settings,
) -> PinnedRepository:
    """A repository as a lock says; its tree has a listing only if it is here. `names` are its heads and tags."""
    flags = Flags(item.submodules, item.lfs)
    found = known_tree(commit, flags, settings)
    if found is None or found.sha256 != sha256:
        found = Tree(tree_path(commit, flags, settings), sha256, size, ())
    shown = parse(item.url, Path("/")).public
    return pinned(item.dest, shown, Answer("", commit, commit, *names, 0.0), found)


def checkout(
    url: str,
    commit: str,
    *,
    settings: Settings,
    reporter: Reporter,
    submodules: bool = True,
    lfs: bool = False,
    directory: Path | None = None,
    refresh: bool = False,
    now: float | None = None,
    stop: threading.Event | None = None,
    where: Where | None = None,
) -> tuple[str, Path]:
    """The full id of a commit, and its files in the cache, which nobody may change.

    `commit` is what a recipe has for `commit_id`; `url` may have a login in it.
    """
    item = Repository("", url, where or Where(""), commit, submodules=submodules, lfs=lfs)
    (found,) = pin_repositories(
        [item], settings, reporter, refresh=refresh, now=now, directory=directory, stop=stop
    )
    return found.commit, found.tree.path


def describe(
    url: str, commit: str, settings: Settings, reporter: Reporter, *, where: Where, refresh: bool = False
) -> str:
    """What `git describe --tags --long` says of a commit (its full id), or the start of the id. Asked once and kept."""
    item = Repository("", url, where, commit)
    wanted = read(item, None)
    memory = settings.cache / "git" / "described" / f"{key_of(wanted.address.public, commit)}.json"
    known = None if refresh else read_json(memory)
    if isinstance(known, str):
        return known
    from slipway.inputs.gitbring import source

    with (
        placed(item),
        source(wanted.address, wanted.login, settings, settings.proxies, threading.Event()) as there,
        reporter.step("fetch", f"tags of {wanted.address.public}"),
    ):
        found = there.described(commit)
    write_json(memory, found)
    return found
