"""Bytes that pass by on their way somewhere: counted and hashed once, each hash in a thread of its own."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

# Below this, handing over takes longer than hashing.
_WORTH_A_THREAD: Final = 256 * 1024
_BEHIND: Final = 8  # pieces that a hash may lag behind what was handed on


class Hashes:
    """`size` in bytes, `md5` and `sha256` in hexadecimal, of all that was added."""

    def __init__(self) -> None:
        self._hashes = (hashlib.md5(usedforsecurity=False), hashlib.sha256())
        self.size = 0

    @property
    def md5(self) -> str:
        return self._hashes[0].hexdigest()

    @property
    def sha256(self) -> str:
        return self._hashes[1].hexdigest()

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        for each in self._hashes:
            each.update(piece)


class Passing(Hashes):
    """Iterate over it once; then its values are those of all. What is handed on is hashed meanwhile: pieces must not change."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        with ThreadPoolExecutor(1, "md5") as md5, ThreadPoolExecutor(1, "sha256") as sha256:
            running: deque[tuple[Future[None], ...]] = deque()
            for chunk in self._chunks:
                if len(chunk) < _WORTH_A_THREAD:
                    _finish(running, 0)
                    self.add(chunk)
                else:
                    self.size += len(chunk)
                    pairs = zip((md5, sha256), self._hashes, strict=True)
                    running.append(tuple(pool.submit(each.update, chunk) for pool, each in pairs))
                    _finish(running, _BEHIND)
                yield chunk
            _finish(running, 0)


def _finish(running: deque[tuple[Future[None], ...]], left: int) -> None:
    while len(running) > left:
        for each in running.popleft():
            each.result()
