"""Handle files of users that exist only in a user namespace, by way of `slipway.sandbox.worker`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any, Final

from slipway.errors import InputError, SlipwayError, StoreError, ToolError
from slipway.oci.rootfs import Trees
from slipway.oci.unpack import WhiteoutFound, remove_tree
from slipway.sandbox.start import child_environment
from slipway.sandbox.upper import archive
from slipway.sandbox.worker import WHITEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from slipway.sandbox.model import Range
    from slipway.sandbox.users import Users

_PIECE: Final = 1 << 20
_ERRORS: Final[dict[str, type[SlipwayError]]] = {"input": InputError, "store": StoreError}
MAPPED: Final = ".range"


class RangeTrees(Trees):
    """Trees whose files belong to the users of a range, so that commands see whose they are."""

    def __init__(self, root: Path, users: Range) -> None:
        super().__init__(root)
        self.root = self.root.with_name(f"{self.root.name}{MAPPED}")
        self._users = users

    def unpacker(self, target: Path, *, whiteouts: bool) -> _Unpacker:
        return _Unpacker(self._users, target, whiteouts=whiteouts)

    def remove(self, directory: Path) -> None:
        remove(directory, self._users)


class _Unpacker:
    def __init__(self, users: Range, target: Path, *, whiteouts: bool) -> None:
        self._users = users
        self._target = target
        self._whiteouts = whiteouts

    def layer(self, chunks: Iterable[bytes], what: str) -> None:
        job = {"target": str(self._target), "whiteouts": self._whiteouts, "what": what}
        with (
            _worker("unpack", self._users, job, stdin=subprocess.PIPE) as (into, _),
            suppress(BrokenPipeError),
        ):
            for chunk in chunks:
                into.write(chunk)

    def finish(self) -> None:
        """Each layer was finished for itself."""


def trees_for(users: Users, root: Path) -> Trees:
    return RangeTrees(root, users.range) if users.range else Trees(root)


def pack(upper: Path, users: Users) -> Iterator[bytes]:
    """`slipway.sandbox.upper.archive` as root of the sandbox whose users these are."""
    if users.kind == "root":
        yield from archive(str(upper))
        return
    with _worker("pack", users.range, {"upper": str(upper)}, stdout=subprocess.PIPE) as (_, out):
        while piece := out.read(_PIECE):
            yield piece


def remove(directory: Path, users: Range | None) -> None:
    """Remove a directory in which files may belong to the users of a range."""
    if users is None:
        remove_tree(directory)
        return
    with _worker("remove", users, {"target": str(directory)}):
        pass


def works(users: Range) -> bool:
    """Whether there can be a user namespace with this range."""
    try:
        with _worker("nothing", users, {}):
            pass
    except SlipwayError:
        return False
    return True


@contextmanager
def _worker(
    do: str,
    users: Range | None,
    job: dict[str, Any],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A worker, with its input and output as far as they are pipes; at the end its problem is raised."""
    whole = {"do": do, "range": asdict(users) if users else None, **job}
    null = open(os.devnull, "r+b")  # noqa: PTH123, SIM115 - stands for a pipe that there is not
    with (
        null,
        subprocess.Popen(
            [sys.executable, "-s", "-S", "-P", "-m", "slipway.sandbox.worker", json.dumps(whole)],
            env=child_environment(),
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        ) as child,
    ):
        try:
            yield child.stdin or null, child.stdout or null
            if child.stdin:
                with suppress(BrokenPipeError):
                    child.stdin.close()
        except BaseException:
            child.kill()
            raise
        said = child.stderr.read() if child.stderr else b""
        if child.wait():
            _raise(said)


def _raise(said: bytes) -> None:
    try:
        problem = json.loads(said)
    except ValueError:
        lines = said.decode(errors="replace").strip().splitlines()
        raise ToolError("a process in a user namespace failed", details="\n".join(lines[-20:])) from None
    if problem["code"] == WHITEOUT:
        raise WhiteoutFound
    raise _ERRORS.get(problem["code"], ToolError)(problem["brief"], hint=problem.get("hint", ""))
