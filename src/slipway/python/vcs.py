"""Requirements from git: `git+URL@REVISION#egg=NAME&subdirectory=DIR` (pip documentation: VCS Support).

Checked out as the recipe's repositories are, submodules included as pip does. There is no history in what comes of it; build
backends that take a version from tags (setuptools-scm, hatch-vcs) are told the tag as in an archive that git makes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from slipway.files import atomic
from slipway.inputs.pinned import PinnedFile
from slipway.oci.entry import Entry
from slipway.python.places import Tree, held_by
from slipway.python.requirement import Unfit, fragment_of
from slipway.values import value

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.errors import Where
    from slipway.events import Reporter
    from slipway.inputs.repository import PinnedRepository
    from slipway.settings import Settings

_ARCHIVAL = ".git_archival.txt"  # setuptools-scm documentation: git archives
_MARK = b"$Format"
_TOLD_IN = ("pyproject.toml", "setup.cfg", "setup.py")
_ASKING = (b"setuptools_scm", b"setuptools-scm", b"hatch-vcs", b"vcs-versioning")


@value
class Reference:
    """What such a requirement names; `url` is for git, with its login."""

    url: str
    revision: str = ""
    subdirectory: str = ""


def reference(target: str) -> Reference:
    """The parts of `git+…`; `Unfit` when no repository is named."""
    fragment = fragment_of(target)
    parts = urlsplit(target.partition("#")[0].partition("+")[2])
    path, at, revision = parts.path.rpartition("@")
    if not at:
        path, revision = parts.path, ""
    if not path.strip("/") or (at and not revision):
        raise Unfit("no repository is named", "for example git+https://HOST/PROJECT.git@v1.0")
    url = parts._replace(path=path).geturl()
    return Reference(url, unquote(revision), fragment.get("subdirectory", ""))


def known(commit: str, settings: Settings) -> PinnedFile | None:
    """The files of a commit, if they are in the cache."""
    from slipway.inputs.gittree import Flags, known_tree

    found = known_tree(commit, Flags(submodules=True), settings)
    if found is None:
        return None
    return PinnedFile("source", commit, "tree", found.sha256, found.size, found.path, 0o755, found.entries)


def pinned(
    wanted: Reference,
    where: Where,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
    now: float | None = None,
    dest: str = "source",
) -> PinnedRepository:
    """The repository at the revision; `FetchError` and others as `slipway.inputs.git` has them."""
    from slipway.inputs.git import pin_repositories
    from slipway.recipe.model import Repository

    item = Repository(dest, wanted.url, where, commit=wanted.revision, submodules=True)
    (found,) = pin_repositories([item], settings, reporter, refresh=refresh, now=now)
    return found


def described(
    wanted: Reference,
    found: PinnedRepository,
    where: Where,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
) -> str:
    """The nearest tag of a commit, if its build asks for that; empty otherwise."""
    held = {entry.path: path for entry, path in held_by(found.tree) if entry.kind == "file"}
    inner = f"{wanted.subdirectory}/" if wanted.subdirectory else ""
    texts = [held[name].read_bytes() for name in (f"{inner}{file}" for file in _TOLD_IN) if name in held]
    if not any(word in text for text in texts for word in _ASKING):
        return ""
    if found.tags:
        tag = wanted.revision if wanted.revision in found.tags else found.tags[-1]
        return f"{tag}-0-g{found.commit}"
    from slipway.inputs.git import describe

    return describe(wanted.url, found.commit, settings, reporter, where=where, refresh=refresh)


def source_tree(
    files: PinnedFile, commit: str, subdirectory: str, described: str, settings: Settings
) -> Tree:
    """What a build backend gets to see, with what its version is taken from."""
    tree = Tree(held_by(files))
    tree = tree.below(subdirectory) if subdirectory else tree
    before = next((path for entry, path in tree.held if entry.path == _ARCHIVAL), None)
    if not described or (before is not None and _MARK not in before.read_bytes()):
        return tree
    text = f"node: {commit}\ndescribe-name: {described}\n".encode()
    own = Entry(_ARCHIVAL, "file", 0o644, size=len(text), sha256=hashlib.sha256(text).hexdigest())
    rest = [held for held in tree.held if held[0].path != _ARCHIVAL]
    held = [*rest, (own, _kept(text, own.sha256, settings))]
    return Tree(tuple(sorted(held, key=lambda item: item[0].path.encode())))


def _kept(text: bytes, sha256: str, settings: Settings) -> Path:
    from slipway.inputs.kept import path_of

    path = path_of(sha256, settings)
    with atomic(path) as file:
        file.write(text)
    return path
