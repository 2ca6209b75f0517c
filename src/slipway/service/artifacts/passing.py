"""Bytes that pass by on their way somewhere: counted and hashed once, each hash in a thread of its own."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Below this, handing over takes longer than hashing.
_WORTH_A_THREAD: Final = 256 * 1024


class Passing:
    """Iterate over it once; then `size` in bytes, `md5` and `sha256` in hexadecimal are those of all."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._hashes = (hashlib.md5(usedforsecurity=False), hashlib.sha256())
        self.size = 0

    @property
    def md5(self) -> str:
        return self._hashes[0].hexdigest()

    @property
    def sha256(self) -> str:
        return self._hashes[1].hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        with ThreadPoolExecutor(2, "hashing") as pool:
            for chunk in self._chunks:
                self.size += len(chunk)
                if len(chunk) < _WORTH_A_THREAD:
                    for each in self._hashes:
                        each.update(chunk)
                    yield chunk
                    continue
                running = [pool.submit(each.update, chunk) for each in self._hashes]
                yield chunk  # written by the caller while it is hashed
                wait(running)
