"""Hashes of files that did not change since they were last read, told by their status (as git's index does).

A file that was changed so shortly before it was read that a later change could carry the same time is not
remembered: its status would not tell the two apart ("racy git", in git's technical documentation).
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from slipway.errors import FetchError, InputError
from slipway.files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_RACY = 2_000_000_000  # nanoseconds; the coarsest clock of a file system in use (FAT)
_WHOLE = 1 << 20  # bytes that are read at once


class StatCache:
    """The known hashes below one root; `save` at the end."""

    def __init__(
        self, directory: Path, root: Path, *, clock: Callable[[], float], trust: bool = True
    ) -> None:
        """`clock` gives seconds since 1970; without `trust` everything is read again."""
        self._root = root
        self._clock = clock
        self._file = directory / f"{hashlib.sha256(os.fsencode(root)).hexdigest()}.json"
        known = read_json(self._file) if trust else None
        self._old: dict[str, list[object]] = known if isinstance(known, dict) else {}
        self._new: dict[str, list[object]] = {}

    def sha256(self, path: str, status: os.stat_result) -> str:
        """The hash of the file at `path` below the root, which has this status."""
        seen = [status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns]
        known = self._old.get(path)
        if known and known[:4] == seen:
            self._new[path] = known
            return str(known[4])
        settled = int(self._clock() * 1e9) - _RACY
        value = hash_file(self._root / path if path else self._root, status)
        if status.st_mtime_ns < settled and status.st_ctime_ns < settled:
            self._new[path] = [*seen, value]
        return value

    def save(self) -> None:
        if self._new != self._old:
            write_json(self._file, self._new)


@contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """A regular file, never what a symlink points to; reading it never waits for anybody."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(f"{path} is not a file any more")
            yield file
    except OSError as error:
        raise FetchError(f"cannot read {path}: {error.strerror}") from error


def hash_file(path: Path, status: os.stat_result) -> str:
    """The hex sha256; `InputError` when the file is not, or does not stay, what `status` says."""
    digest = hashlib.sha256()
    size = 0
    with open_file(path) as file:
        while block := file.read(_WHOLE):
            digest.update(block)
            size += len(block)
        after = os.fstat(file.fileno())
    before = (status.st_size, status.st_mtime_ns, status.st_ino)
    if size != status.st_size or (after.st_size, after.st_mtime_ns, after.st_ino) != before:
        raise changed(path)
    return digest.hexdigest()


def changed(path: Path) -> InputError:
    return InputError(
        f"{path} changed while it was read", hint="build again when nothing writes to it any more"
    )
