"""Bring the files of one commit into the cache, with those of its submodules."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from slipway.errors import FetchError, InputError
from slipway.inputs.giterrors import DamagedError
from slipway.inputs.gitlogin import Login
from slipway.inputs.gitmirror import Mirror
from slipway.inputs.gitmodules import submodules
from slipway.inputs.gitrun import git_for
from slipway.inputs.gittree import known_tree, new_tree, write_files

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.events import Step
    from slipway.inputs.gitaddress import Address
    from slipway.inputs.gitmodules import Submodule
    from slipway.inputs.gitrun import Git
    from slipway.inputs.gittree import Flags, Tree
    from slipway.net_proxy import Proxies
    from slipway.settings import Settings

T = TypeVar("T")

_DEEPEST = 16  # submodules of submodules


class Source:
    """One repository, and all that it takes to reach it."""

    def __init__(self, git: Git, proxies: Proxies) -> None:
        self.mirror = Mirror(git)
        self._git = git
        self._proxies = proxies

    def commit(self, full: str) -> str:
        """The commit that a full id is of: itself, or that of an annotated tag."""
        return self._sound(lambda: self.mirror.bring(full, None)[1])

    def long_id(self, short: str, *, wide: bool) -> str:
        return self._sound(lambda: self.mirror.long_id(short, wide=wide))

    def described(self, commit: str) -> str:
        with self.mirror.held():
            return self.mirror.described(commit)

    def tree(self, commit: str, flags: Flags, step: Step, tag: str = "") -> Tree:
        """The files of a commit, in the cache; `tag` as for `Mirror.bring`."""
        settings = self._git.settings
        with new_tree(commit, flags, settings) as target:
            self._fill(target, commit, flags, step, 0, tag)
        found = known_tree(commit, flags, settings)
        if found is None:
            raise FetchError("a tree left the cache while it was in use", hint="build again")
        return found

    def _fill(
        self, target: Path, commit: str, flags: Flags, step: Step | None, depth: int, tag: str = ""
    ) -> None:
        below = self._sound(lambda: self._write(target, commit, flags, step, tag))
        if below and depth == _DEEPEST:
            raise InputError(f"submodules of {self._git.address.public} lie more than {_DEEPEST} deep")
        for sub in below:
            self._fill_submodule(sub, target / sub.path, flags, depth + 1)

    def _sound(self, work: Callable[[], T]) -> T:
        """What `work` gives, alone with the copies; once more with new ones when files of theirs were lost or changed."""
        with self.mirror.held():
            try:
                return work()
            except DamagedError:
                self.mirror.forget()
                return work()

    def _write(self, target: Path, commit: str, flags: Flags, step: Step | None, tag: str) -> list[Submodule]:
        place, _ = self.mirror.bring(commit, step, tag)
        write_files(self._git, place, commit, target, lfs=flags.lfs)
        return submodules(self._git, place, commit) if flags.submodules else []

    def _fill_submodule(self, sub: Submodule, target: Path, flags: Flags, depth: int) -> None:
        if target.is_symlink() or target.resolve() != target.parent.resolve() / target.name:
            raise InputError(f"{self._git.address.public} has a symlink where a submodule goes: {sub.path}")
        login = self._git.login if sub.address.is_beside(self._git.address) else Login()
        git = self._git
        with source(sub.address, login, git.settings, self._proxies, git.stop) as there:
            there._fill(target, sub.commit, flags, None, depth)  # noqa: SLF001 - one of its own kind


@contextmanager
def source(
    address: Address, login: Login, settings: Settings, proxies: Proxies, stop: threading.Event
) -> Iterator[Source]:
    with git_for(address, login, settings, proxies, stop) as git:
        yield Source(git, proxies)
