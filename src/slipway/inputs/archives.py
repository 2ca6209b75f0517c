"""The members of an archive, whatever its format; nothing it says about itself is believed."""

from __future__ import annotations

import bz2
import lzma
import stat
from typing import TYPE_CHECKING, Final

from slipway.distro.ar import inflate
from slipway.errors import InputError
from slipway.oci.compress import CHUNK, decompress
from slipway.oci.entry import Entry, clean_path
from slipway.oci.tarread import Limits, read_tar
from slipway.python.wheelzip import WheelZip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from zipfile import ZipInfo

    Member = tuple[Entry, bytes | Iterator[bytes]]

_MOST_ENTRIES: Final = 500_000
_MOST_BYTES: Final = 16 << 30
_RATIO: Final = 200  # unpacked to packed; text reaches 20
_SLACK: Final = 256 << 20  # bytes for which the ratio does not count
_XZ_MEMORY: Final = 256 << 20  # what the highest level of xz asks for, several times over
_XZ: Final = b"\xfd7zXZ\0"
_BZIP2: Final = b"BZh"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_STORED, _DEFLATED, _ENCRYPTED = 0, 8, 0x1  # APPNOTE.TXT, 4.4.4 and 4.4.5
_LONGEST_TARGET: Final = 4096


def members(path: Path, name: str) -> Iterator[Member]:
    """Everything in the archive at `path`, in its order; contents have to be read before the next member.

    `InputError` for what is no archive, is damaged, or would unpack to far more than it is.
    """
    with path.open("rb") as file:
        head = file.read(6)
    entries = _zip(path, name) if head[:4] in _ZIP else _tar(path, head, name)
    try:
        first = next(entries, None)
    except InputError as error:
        raise InputError(
            f"{name} cannot be extracted",
            details=error.brief,
            hint="archives are tar, also packed by gzip, xz, bzip2 or zstd, and zip",
        ) from error
    if first is None:
        raise InputError(f"{name} cannot be extracted: there is nothing in it")
    yield first
    yield from entries


def _tar(path: Path, head: bytes, name: str) -> Iterator[Member]:
    limits = Limits(_MOST_ENTRIES, min(_MOST_BYTES, path.stat().st_size * _RATIO + _SLACK))
    return read_tar(_plain(path, head, name), limits=limits, what=name, absolute=False)


def _plain(path: Path, head: bytes, name: str) -> Iterator[bytes]:
    if head == _XZ:
        return inflate(_chunks(path), lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY), name)
    if head[:3] == _BZIP2:
        return inflate(_chunks(path), bz2.BZ2Decompressor, name)
    return _unpacked(path, name)


def _unpacked(path: Path, name: str) -> Iterator[bytes]:
    try:
        yield from decompress(_chunks(path))
    except InputError as error:
        raise InputError(f"{name}: {error.brief}") from error


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _zip(path: Path, name: str) -> Iterator[Member]:
    with _Zip(path, name) as archive:
        for directory in archive.directories:
            yield Entry(directory, "dir", 0o755), b""
        for place, info in archive.files.items():
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                target = archive.read(place, _LONGEST_TARGET).decode(errors="replace")
                yield Entry(place, "symlink", 0o777, target=target), b""
            else:
                yield Entry(place, "file", mode & 0o777, size=info.file_size), archive.content(info)


class _Zip(WheelZip):
    """Unlike wheels, other archives may hold directories and symlinks."""

    def __init__(self, path: Path, name: str) -> None:
        self.directories: list[str] = []
        super().__init__(path, name)

    def _admit(self, info: ZipInfo) -> None:
        name = info.orig_filename
        mode = info.external_attr >> 16
        if info.flag_bits & _ENCRYPTED:
            raise InputError(f"{self._name} is encrypted")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            raise InputError(f"{self._name}: {name!r} is a device or a pipe")
        path = name.removesuffix("/")
        if not path or "\\" in name or clean_path(path, what=self._name) != path:
            raise InputError(f"{self._name} holds an impossible path: {name[:80]!r}")
        if len(self.files) + len(self.directories) >= _MOST_ENTRIES:
            raise InputError(f"{self._name} holds more than {_MOST_ENTRIES} entries")
        if name.endswith("/"):
            self.directories.append(path)
            return
        if info.compress_type not in (_STORED, _DEFLATED):
            raise InputError(f"{self._name}: {path} is packed by a method other than deflate")
        if path in self.files:
            raise InputError(f"{self._name} holds {path!r} twice")
        self.files[path] = info
