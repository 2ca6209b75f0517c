"""Compression whose outputs can be concatenated: gzip members (ISA-L) and zstd frames.

A blob made of members made here decompresses as one stream, which is what lets a layer be put together from
cached slices. Bytes differ between compressors and their releases, so `name` (which goes into cache keys) holds
the library's version and the level.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from slipway.errors import InputError
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CHUNK = 1 << 20
_HEAD = bytes.fromhex("1f8b08000000000000ff")  # no name, no time, system unknown
# More than the window; a multiple of 64 KiB, after which ISA-L clears its table.
_BEFORE = bytes(range(256)) * 512


class Compressor(Protocol):
    def compress(self, data: bytes | memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


@value
class Compression:
    """`kind` is the setting's word; `suffix` is that of the OCI layer media type."""

    kind: str
    suffix: str
    name: str
    compressor: Callable[[], Compressor]

    def compress(self, data: bytes) -> bytes:
        """One whole member or frame."""
        c = self.compressor()
        return c.compress(data) + c.flush()


@cache
def get(kind: str) -> Compression:
    if kind == "gzip":
        from isal import __version__

        return Compression("gzip", "gzip", f"isal-{__version__}-1", _Member)
    zstd = _zstd()
    # with checksums, as gzip has them, damage never passes for content
    options = {zstd.CompressionParameter.compression_level: 3, zstd.CompressionParameter.checksum_flag: 1}
    name = f"zstd-{'.'.join(str(n) for n in zstd.zstd_version_info)}-3c"
    return Compression("zstd", "zstd", name, lambda: zstd.ZstdCompressor(options=options))


class _Member:
    """One gzip member (RFC 1952).

    A new compressor of ISA-L has memory that nobody has cleared, and what is in it decides, rarely, which match is taken. So
    each compresses the same bytes first, to nowhere, and begins anew with a full flush: what comes out then is what comes out of
    one in clear memory. It is not the whole cure: in memory that is filled on purpose, one member of 18,000 still differed.
    """

    def __init__(self) -> None:
        from isal import isal_zlib

        self._deflate = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
        self._deflate.compress(_BEFORE)
        self._deflate.flush(isal_zlib.Z_FULL_FLUSH)
        self._crc32 = isal_zlib.crc32
        self._head = _HEAD
        self._check = 0
        self._size = 0

    def compress(self, data: bytes | memoryview, /) -> bytes:
        self._check = self._crc32(data, self._check)
        self._size += len(data)
        head, self._head = self._head, b""
        return head + self._deflate.compress(data)

    def flush(self) -> bytes:
        head, self._head = self._head, b""
        tail = self._check.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little")
        return head + self._deflate.flush() + tail


def decompress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The plain bytes of a gzip, zstd or uncompressed stream, told apart by its first bytes.

    Many members or frames in a row are read as one. `InputError` on damage or an early end. Every
    piece yielded is at most a few MiB, so a bomb costs time that the caller can cut short, not memory.
    """
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= 4:
            break
    if head[:2] == b"\x1f\x8b":
        from isal import isal_zlib

        failure = cast("type[Exception]", isal_zlib.error)  # the stub calls it an instance
        yield from _members(head, source, lambda: isal_zlib.decompressobj(31), failure)
    elif head[:4] == b"\x28\xb5\x2f\xfd":
        zstd = _zstd()
        yield from _frames(head, source, zstd)
    else:
        if head:
            yield head
        yield from source


def _members(
    head: bytes, source: Iterator[bytes], new: Callable[[], Any], failure: type[Exception]
) -> Iterator[bytes]:
    inflate = new()
    data = head
    started = True
    while True:
        try:
            while data:
                if inflate.eof:
                    data = data.lstrip(b"\0")  # padding after the last member is allowed
                    if not data:
                        break
                    inflate, started = new(), True
                out = inflate.decompress(data, CHUNK)
                data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
                if out:
                    yield out
                elif not inflate.eof and not data:
                    break
        except failure as error:
            raise InputError(f"damaged gzip data: {error}") from error
        chunk = next(source, None)
        if chunk is None:
            break
        data = chunk
    if started and not inflate.eof:
        raise InputError("gzip data ends early")


def _frames(head: bytes, source: Iterator[bytes], zstd: Any) -> Iterator[bytes]:
    frame = zstd.ZstdDecompressor()
    data = head
    while True:
        try:
            while data or not (frame.needs_input or frame.eof):
                if frame.eof:
                    frame = zstd.ZstdDecompressor()
                out = frame.decompress(data, 4 * CHUNK)
                data = frame.unused_data if frame.eof else b""
                if out:
                    yield out
        except zstd.ZstdError as error:
            raise InputError(f"damaged zstd data: {error}") from error
        chunk = next(source, None)
        if chunk is None:
            break
        data = chunk
    if not frame.eof:
        raise InputError("zstd data ends early")


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
