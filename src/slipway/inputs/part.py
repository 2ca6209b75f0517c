"""A file that is on its way: `*.part`, held by one process at a time, hashed as it grows, kept when interrupted."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway.errors import StoreError
from slipway.files import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

_BLOCK = 1 << 20


class Part:
    """The bytes that are here so far: `size` of them, with their hash."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._hash = hashlib.sha256()
        self.size = 0
        while block := os.read(descriptor, _BLOCK):
            self._hash.update(block)
            self.size += len(block)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def append(self, data: bytes) -> None:
        with disk(self.path):
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
        self._hash.update(data)
        self.size += len(data)

    def restart(self) -> None:
        """Forget everything."""
        with disk(self.path):
            os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._hash = hashlib.sha256()
        self.size = 0

    def finish(self, path: Path) -> None:
        """Rename to `path`.

        Nothing waits for the disk: a cache that lost power is found out by its sizes and fetched again, and
        waiting for every file would cost more than the network.
        """
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.fchmod(self._descriptor, 0o644)
            os.replace(self.path, path)


@contextmanager
def hold(path: Path, pause: Callable[[float], object]) -> Generator[Part]:
    """The part at `path`, locked against other processes and threads until the block ends.

    While somebody else holds it, this waits by `pause(seconds)`. That other one may have finished the work, so look
    for its result first. A part that is empty at the end is removed.
    """
    while (descriptor := _lock(path)) is None:
        pause(0.1)
    try:
        yield Part(path, descriptor)
    finally:
        if os.fstat(descriptor).st_size == 0 and _same(path, descriptor):
            path.unlink()
        os.close(descriptor)


def _lock(path: Path) -> int | None:
    """A descriptor of the file that is at `path` now, with its lock; None when another one has the lock."""
    with disk(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (NotADirectoryError, FileExistsError) as error:
            raise StoreError(f"cannot write below {path.parent}: there is a file in its place") from error
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if not _same(path, descriptor):  # the one before us renamed or removed it between our open and our lock
        os.close(descriptor)
        return None
    return descriptor


def _same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116 - both sides the same way
    except FileNotFoundError:
        return False
