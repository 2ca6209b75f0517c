"""What was fetched of a repository, as a bare one in the cache: the commits that were asked for, without their history.

`git/repositories/KEY/` has these, `KEY.all/` whole branches and tags, where a server gives out nothing less, and `KEY.ids/` commits
without their files, to make a short id long. One process at a time works in them; git, started with the lock, holds it
as long as it lives, so that what a killed process leaves behind can be told from what is at work.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway.errors import FetchError, ToolError
from slipway.files import disk
from slipway.inputs.giterrors import DamagedError, MissingError, RefusedError
from slipway.inputs.gitrefs import read_refs
from slipway.inputs.gitrun import counter
from slipway.oci.digest import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.events import Step
    from slipway.inputs.gitrefs import Refs
    from slipway.inputs.gitrun import Git

_FETCH = ("fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--progress")
_EVERYTHING = ("--prune", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_OURS = "refs/slipway/"


class Mirror:
    """The copies of one repository; use it within `held`."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._root = git.settings.cache / "git" / "repositories"
        self._key = key_of("git", git.address.public)[:32]
        self._lock: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Alone with the copies; waits until others are done with them."""
        with disk(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._root / f"{self._key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            while not _locked(handle):
                if self._git.stop.wait(0.05):
                    raise ToolError("git was stopped")
            self._lock = handle
            yield
        finally:
            self._lock = None
            os.close(handle)

    def refs(self) -> Refs:
        """The branches and tags that the server has now."""
        said = self._git.ask("ls-remote", "--", self._git.address.wire, env={"GIT_DIR": os.devnull})
        return read_refs(said)

    def long_id(self, short: str, *, wide: bool) -> str:
        """The commit whose id begins so, empty when there is none; `FetchError` when there are several.

        Ids are `wide` where they are of SHA-256.
        """
        place = self._ready("ids", wide=wide)
        self._fetch(place, None, "--filter=tree:0", *_EVERYTHING)
        objects = self._in(place, "rev-parse", f"--disambiguate={short}").decode().split()
        found = sorted({commit for name in objects if (commit := self._commit(place, name))})
        if len(found) > 1:
            raise FetchError(
                f"several commits of {self._git.address.public} begin with {short}",
                details="\n".join(found),
                hint="write more digits",
            )
        return found[0] if found else ""

    def forget(self) -> None:
        for kind in ("", "all", "ids"):
            shutil.rmtree(self._place(kind), ignore_errors=True)

    def described(self, commit: str) -> str:
        """The nearest tag with a number, as `git describe --long` tells it (`v1.0-3-gabc…`); the start of the id when there is none."""
        place = self._ready("ids", wide=len(commit) > 40)
        self._fetch(place, None, "--filter=tree:0", *_EVERYTHING)
        said = self._in(
            place, "describe", "--tags", "--long", "--always", "--abbrev=9", "--match=*[0-9]*", commit
        )
        return said.decode().strip()

    def bring(self, commit: str, step: Step | None, tag: str = "") -> tuple[Path, str]:
        """The copy that has this commit, and the commit's id: it differs when the one given is of an annotated tag.

        `tag` is the id of an annotated tag of the commit: some servers give out what their references are, and no more.
        """
        wide = len(commit) == 64
        place = self._ready("", wide=wide)
        if not self._commit(place, _OURS + commit):
            try:
                self._fetch(place, step, "--depth=1", f"+{tag or commit}:{_OURS}{commit}")
            except RefusedError:
                place = self._ready("all", wide=wide)
                if not self._commit(place, commit):
                    self._fetch(place, step, *_EVERYTHING)
            except MissingError as error:
                raise self.absent(commit) from error
        if found := self._commit(place, commit):
            return place, found
        raise self.absent(commit)

    def absent(self, commit: str) -> FetchError:
        return FetchError(
            f"there is no commit {commit} in {self._git.address.public}",
            hint="was it pushed? A branch that was pushed by force may have left it behind",
        )

    def _commit(self, place: Path, name: str) -> str:
        """The id of the commit that this name is of, empty when it is not here, or is none."""
        try:
            return self._in(place, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
        except DamagedError:  # it says nothing
            return ""

    def _fetch(self, place: Path, step: Step | None, *words: str) -> None:
        """Options, then what to fetch."""
        options = [word for word in words if word.startswith("--")]
        wanted = [word for word in words if not word.startswith("--")]
        self._git.ask(
            f"--git-dir={place}",
            *_FETCH,
            *options,
            "--",
            self._git.address.wire,
            *wanted,
            heard=counter(step) if step else None,
            inherit=(self._lock,) if self._lock is not None else (),
        )

    def _in(self, place: Path, *words: str) -> bytes:
        return self._git.run(f"--git-dir={place}", *words)

    def _place(self, kind: str) -> Path:
        return self._root / (f"{self._key}.{kind}" if kind else self._key)

    def _ready(self, kind: str, *, wide: bool = False) -> Path:
        """A copy to work in, made when it is not there yet; `wide` for ids of SHA-256."""
        place = self._place(kind)
        if (place / "HEAD").is_file():
            os.utime(place)  # the time of last use is what `store gc` goes by
            _tidy(place)
            self._in(place, "rev-parse", "--is-bare-repository")  # or else it is damaged
        else:
            shutil.rmtree(place, ignore_errors=True)
            form = f"--object-format={'sha256' if wide else 'sha1'}"
            self._git.run("init", "--quiet", "--bare", "--template=", form, str(place))
        return place


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tidy(place: Path) -> None:
    """Remove what a killed git left: nobody else works here now."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/pack/.tmp-*"):
        for path in place.glob(pattern):
            path.unlink(missing_ok=True)
