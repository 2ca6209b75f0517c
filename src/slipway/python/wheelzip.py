"""Read a wheel's zip archive, and believe nothing it says about itself.

The directory is parsed by the standard library; contents are read here, by ISA-L and in bounded pieces. What two
readers could understand differently (APPNOTE.TXT 4.3: local headers against the directory, overlapping members,
names that come twice) is refused with `InputError`.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import TYPE_CHECKING, Self, cast

from slipway.errors import InputError
from slipway.oci.compress import CHUNK
from slipway.oci.entry import clean_path
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from zipfile import ZipInfo

MAX_UNPACKED = 16 << 30  # bytes in one wheel; the largest ones in use have three or four GiB
MAX_DIRECTORY = 64 << 20  # bytes of the zip directory, some half a million files
MAX_RATIO = 200  # of unpacked to packed bytes, above MIN_BOMB bytes; code and libraries stay below 20
MIN_BOMB = 256 << 20
WHOLE = 1 << 20  # bytes up to which a file is read in one piece

_LOCAL = struct.Struct("<4s5H3I2H")
_END = b"PK\x05\x06"
_ODD = pattern(r"[\x00-\x1f\x7f\\]")  # a separator elsewhere, and what RECORD's lines cannot carry safely
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800


class WheelZip:
    """An open wheel; `files` are its regular files by path, in the archive's order. Use as a context manager."""

    def __init__(self, path: Path, name: str) -> None:
        """`name` is what errors call the archive."""
        import zipfile

        self._name = name
        self._file = path.open("rb")
        try:
            size = os.fstat(self._file.fileno()).st_size
            self._check_directory(size)
            try:
                archive = zipfile.ZipFile(self._file)
            except (
                zipfile.BadZipFile,
                NotImplementedError,
                ValueError,
                OverflowError,
                struct.error,
            ) as error:
                raise InputError(f"{name} is not a zip archive: {error}") from error
            self.files: dict[str, ZipInfo] = {}
            for info in archive.infolist():
                self._admit(info)
            self._check_whole(size, archive.start_dir)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, path: str, limit: int) -> bytes:
        """The content of a file that must be there and have at most `limit` bytes."""
        info = self.files.get(path)
        if info is None:
            raise InputError(f"{self._name} has no {path}")
        if info.file_size > limit:
            raise InputError(
                f"{self._name}: {path} has {info.file_size} bytes, more than the {limit} allowed"
            )
        return b"".join(self._pieces(info)) if info.file_size > WHOLE else self._whole(info)

    def content(self, info: ZipInfo) -> bytes | Iterator[bytes]:
        """A file's content, whole up to `WHOLE` bytes and in pieces above."""
        return self._whole(info) if info.file_size <= WHOLE else self._pieces(info)

    def _check_directory(self, size: int) -> None:
        """Refuse a directory that would fill the memory before the archive is parsed (APPNOTE.TXT 4.3.14, 4.3.16)."""
        tail_at = max(0, size - 65557)
        tail = os.pread(self._file.fileno(), 65557, tail_at)
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + 22:
            raise InputError(f"{self._name} is not a zip archive, or it ends early")
        length = int.from_bytes(tail[at + 12 : at + 16], "little")
        if length == 0xFFFFFFFF:
            locator = tail[max(0, at - 20) : at]
            record = os.pread(self._file.fileno(), 56, int.from_bytes(locator[8:16], "little"))
            length = int.from_bytes(record[40:48], "little")
        if length > MAX_DIRECTORY:
            raise InputError(f"{self._name} has a directory of {length} bytes: too many files")

    def _admit(self, info: ZipInfo) -> None:
        raw = info.orig_filename
        if info.flag_bits & _ENCRYPTED:
            raise InputError(f"{self._name} is encrypted")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f"{self._name}: {raw!r} is a link or a device, which wheels must not hold")
        path = raw.removesuffix("/")
        if not path or _ODD.search(raw) or clean_path(path, what=self._name) != path:
            raise InputError(f"{self._name} holds an impossible path: {raw[:80]!r}")
        if raw.endswith("/"):
            return
        if info.compress_type not in (_STORED, _DEFLATED):
            raise InputError(
                f"{self._name}: {path} is packed by method {info.compress_type}; wheels use deflate"
            )
        if path in self.files:
            raise InputError(f"{self._name} holds {path!r} twice")
        self.files[path] = info

    def _check_whole(self, size: int, directory: int) -> None:
        unpacked = sum(info.file_size for info in self.files.values())
        if unpacked > MAX_UNPACKED or (unpacked > MIN_BOMB and unpacked > MAX_RATIO * size):
            raise InputError(f"{self._name} would unpack from {size} to {unpacked} bytes: refused")
        end = 0
        for info in sorted(self.files.values(), key=lambda i: i.header_offset):
            if info.header_offset < end:
                raise InputError(f"{self._name}: the contents of {info.filename!r} overlap another file's")
            end = info.header_offset + _LOCAL.size + info.compress_size
        if end > directory:
            raise InputError(f"{self._name} ends early")

    def _start(self, info: ZipInfo, block: bytes) -> int:
        """Where in `block`, which begins with the local header, the data begin."""
        if len(block) < _LOCAL.size or block[:4] != b"PK\x03\x04":
            raise InputError(f"{self._name} is damaged at {info.filename!r}")
        fields = _LOCAL.unpack_from(block)
        start: int = _LOCAL.size + fields[9] + fields[10]
        plain = info.flag_bits & _UTF8 or info.orig_filename.isascii()
        name = info.orig_filename.encode("utf-8" if plain else "cp437")
        if block[_LOCAL.size : _LOCAL.size + fields[9]] != name or fields[3] != info.compress_type:
            raise InputError(f"{self._name} contradicts itself about {info.filename!r}")
        return start

    def _whole(self, info: ZipInfo) -> bytes:
        fd = self._file.fileno()
        guess = _LOCAL.size + 4 * len(info.orig_filename) + 64 + info.compress_size
        block = os.pread(fd, min(guess, 2 * WHOLE), info.header_offset)
        start = self._start(info, block)
        data = block[start : start + info.compress_size]
        if len(data) < info.compress_size:
            return b"".join(self._pieces(info))
        if info.compress_type == _STORED:
            if len(data) != info.file_size:
                raise self._lie(info)
            return data
        from isal import isal_zlib

        inflate = isal_zlib.decompressobj(-15)
        try:
            out = inflate.decompress(data, info.file_size + 1)
        except cast("type[Exception]", isal_zlib.error) as error:  # the stub calls it an instance
            raise InputError(f"{self._name}: {info.filename} is damaged: {error}") from error
        if len(out) != info.file_size or not inflate.eof or inflate.unused_data:
            raise self._lie(info)
        return out

    def _pieces(self, info: ZipInfo) -> Iterator[bytes]:
        fd = self._file.fileno()
        at = info.header_offset
        at += self._start(info, os.pread(fd, _LOCAL.size + 2 * 0xFFFF, at))
        end = at + info.compress_size
        got = 0
        for piece in (
            self._stored(at, end) if info.compress_type == _STORED else self._inflated(info, at, end)
        ):
            got += len(piece)
            if got > info.file_size:
                raise self._lie(info)
            yield piece
        if got != info.file_size:
            raise self._lie(info)

    def _stored(self, at: int, end: int) -> Iterator[bytes]:
        while at < end:
            data = os.pread(self._file.fileno(), min(CHUNK, end - at), at)
            if not data:
                raise InputError(f"{self._name} ends early")
            at += len(data)
            yield data

    def _inflated(self, info: ZipInfo, at: int, end: int) -> Iterator[bytes]:
        from isal import isal_zlib

        inflate = isal_zlib.decompressobj(-15)
        try:
            for piece in self._stored(at, end):
                data = piece
                while data and not inflate.eof:
                    if out := inflate.decompress(data, 4 * CHUNK):
                        yield out
                    data = inflate.unconsumed_tail
        except cast("type[Exception]", isal_zlib.error) as error:
            raise InputError(f"{self._name}: {info.filename} is damaged: {error}") from error
        if not inflate.eof or inflate.unused_data:
            raise self._lie(info)

    def _lie(self, info: ZipInfo) -> InputError:
        return InputError(
            f"{self._name}: {info.filename} has not the {info.file_size} bytes that are announced"
        )
