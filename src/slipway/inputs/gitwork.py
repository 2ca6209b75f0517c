"""Bring in several repositories, those of one server address after each other, all others side by side."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import FetchError, SlipwayError
from slipway.inputs.gitaddress import Address, parse
from slipway.inputs.gitanswers import Answer, remember, remembered
from slipway.inputs.gitlogin import Login, login_for
from slipway.inputs.gitrefs import commit_of, empty, is_full, may_be_short, missing, naming
from slipway.inputs.gittree import Flags, Tree, known_tree
from slipway.inputs.pinned import PinnedFile
from slipway.inputs.repository import PinnedRepository
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slipway.events import Reporter
    from slipway.inputs.gitbring import Source
    from slipway.inputs.gitrefs import Refs
    from slipway.recipe.model import Repository
    from slipway.settings import Settings


@value
class Wanted:
    """An item of `repositories`, read."""

    item: Repository
    address: Address
    login: Login

    @property
    def flags(self) -> Flags:
        return Flags(self.item.submodules, self.item.lfs)

    @property
    def asked(self) -> str:
        """The commit as the recipe has it; full ids in small letters."""
        return self.item.commit.lower() if is_full(self.item.commit) else self.item.commit


def read(item: Repository, directory: Path | None) -> Wanted:
    """Paths are against `directory`, or else the working directory."""
    with placed(item):
        address = parse(item.url, directory or Path.cwd())
        return Wanted(item, address, login_for(item, address))


def recalled(wanted: Wanted, settings: Settings, now: float) -> PinnedRepository | None:
    """What can be said without asking anybody."""
    answer = remembered(wanted.address, wanted.asked, settings, now)
    tree = known_tree(answer.commit, wanted.flags, settings) if answer else None
    return pinned(wanted.item.dest, wanted.address.public, answer, tree) if answer and tree else None


class Work:
    """What all repositories of one run have in common; `stop` ends it."""

    def __init__(
        self,
        settings: Settings,
        reporter: Reporter,
        proxy: Mapping[str, str],
        stop: threading.Event | None,
        *,
        now: float,
        refresh: bool,
    ) -> None:
        self._settings = settings
        self._reporter = reporter
        self._proxies = (*settings.proxies, *proxy.items())
        self._stop = stop or threading.Event()
        self._now = now
        self._refresh = refresh

    def bring(
        self,
        wanted: Sequence[Wanted],
        known: Sequence[PinnedRepository | None],
        answers: Sequence[Answer] | None = None,
    ) -> list[PinnedRepository]:
        """Those that are `known`, and the others; `answers` say which commits these are, where that is not asked for."""
        found = dict(enumerate(known))
        groups: dict[tuple[Address, Login], list[int]] = {}
        for number, one in enumerate(wanted):
            if found[number] is None:
                groups.setdefault((one.address, one.login), []).append(number)
        if groups:
            from slipway.inputs.crew import run_all

            def fetch(numbers: Sequence[int]) -> list[PinnedRepository]:
                given = [answers[n] if answers else None for n in numbers]
                return self._fetch([wanted[n] for n in numbers], given)

            tasks = [partial(fetch, numbers) for numbers in groups.values()]
            for numbers, made in zip(
                groups.values(), run_all(tasks, _Ending(self._stop), self._settings.threads), strict=True
            ):
                found.update(zip(numbers, made, strict=True))
        return [one for one in found.values() if one is not None]

    def _fetch(self, wanted: Sequence[Wanted], answers: Sequence[Answer | None]) -> list[PinnedRepository]:
        """Several commits of one repository."""
        from slipway.inputs.gitbring import source

        first = wanted[0]
        refs: Refs | None = None
        found = []
        with (
            placed(first.item),
            source(first.address, first.login, self._settings, self._proxies, self._stop) as there,
        ):
            for one, answer in zip(wanted, answers, strict=True):
                shown = f"{one.address.public} {one.item.commit}".rstrip()
                with placed(one.item), self._reporter.step("fetch", shown) as step:
                    made = answer
                    if made is None:
                        refs = refs or there.mirror.refs()
                        made = self._answer(one, refs, there)
                    tree = known_tree(made.commit, one.flags, self._settings, check=self._refresh)
                    tag = refs.annotated.get(made.commit, "") if refs else ""
                    tree = tree or there.tree(made.commit, one.flags, step, tag)
                    if answer is None:
                        remember(one.address, made, self._settings)
                    step.detail = made.commit[:12]
                    found.append(pinned(one.item.dest, one.address.public, made, tree))
        return found

    def _answer(self, one: Wanted, refs: Refs, there: Source) -> Answer:
        shown = one.address.public
        if not refs.commits:
            raise empty(shown)
        commit = there.commit(one.asked) if is_full(one.asked) else commit_of(refs, one.asked, shown)
        if not commit and may_be_short(one.asked):
            wide = any(len(known) == 64 for known in refs.commits.values())
            commit = there.long_id(one.asked.lower(), wide=wide)
        if not commit:
            raise missing(refs, one.asked, shown)
        return Answer(shown, one.asked, commit, *naming(refs, commit), self._now)


class _Ending:
    """Ends every git that is at work."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def abort(self) -> None:
        self._stop.set()


def pinned(dest: str, url: str, answer: Answer, tree: Tree) -> PinnedRepository:
    file = PinnedFile(dest, url, "tree", tree.sha256, tree.size, tree.path, 0o755, tree.entries)
    return PinnedRepository(dest, url, answer.commit, file, answer.heads, answer.tags, (("origin", url),))


@contextmanager
def placed(item: Repository) -> Iterator[None]:
    """Tell an error where in the recipe its cause is, and what a lock does not have."""
    try:
        yield
    except SlipwayError as error:
        error.where = error.where or item.where
        if isinstance(error, FetchError) and item.where.file == "lock" and "login" in error.brief:
            error.hint = (
                "logins are not kept in locks: let git know yours by a credential helper, or by ssh-agent"
            )
        raise
