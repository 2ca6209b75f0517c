"""The outer shell of a .deb: an ar archive of three members, two of them compressed tars (deb(5), section FORMAT)."""

from __future__ import annotations

import bz2
import lzma
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.oci import compress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60
_MEMBERS: Final = 32  # a .deb has three, and perhaps a few private ones
_XZ_MEMORY: Final = 256 << 20  # what the highest level of xz asks for, several times over


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the archive: its bytes stand at `offset`, `size` of them."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class DebParts:
    """The two tars of a .deb, still compressed."""

    control: Member
    data: Member


def deb_parts(file: IO[bytes], what: str) -> DebParts:
    """Find the control and data members; `InputError` unless `file` is a binary package of format 2.

    Members after `debian-binary` whose names begin with an underscore, and any after the data member, are
    private to their makers and passed over.
    """
    members = _members(file, what)
    first = next(members, None)
    if first is None or first.name != "debian-binary":
        raise InputError(f"{what} is not a Debian package: its first member is not debian-binary")
    file.seek(first.offset)
    if not file.read(min(first.size, 16)).startswith(b"2."):
        raise InputError(f"{what} has a package format other than 2")
    found: list[Member] = []
    for stem in ("control.tar", "data.tar"):
        member = next((m for m in members if not m.name.startswith("_")), None)
        if member is None or member.name.partition(".tar")[0] + ".tar" != stem:
            raise InputError(f"{what} is not a Debian package: {stem} is not where it belongs")
        found.append(member)
    return DebParts(*found)


def plain(file: IO[bytes], member: Member, what: str) -> Iterator[bytes]:
    """The uncompressed bytes of a member, by the suffix of its name; pieces of at most a few MiB."""
    chunks = _chunks(file, member, what)
    suffix = member.name.rpartition(".")[2]
    if suffix == "tar":
        return chunks
    if suffix in ("gz", "zst"):
        return compress.decompress(chunks)
    if suffix == "xz":
        return inflate(chunks, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY), what)
    if suffix == "lzma":
        return inflate(chunks, lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, _XZ_MEMORY), what)
    if suffix == "bz2":
        return inflate(chunks, bz2.BZ2Decompressor, what)
    raise InputError(f"{what}: {member.name} is compressed in an unknown way")


def _members(file: IO[bytes], what: str) -> Iterator[Member]:
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise InputError(f"{what} is not a Debian package: it is no ar archive")
    at = len(_MAGIC)
    for _ in range(_MEMBERS):
        if at >= size:
            return
        file.seek(at)
        head = file.read(_HEADER)
        length = head[48:58].strip()
        if len(head) < _HEADER or head[58:] != b"`\n" or not length.isdigit():
            raise InputError(f"{what} is damaged: a member header makes no sense")
        member = Member(head[:16].decode("ascii", "replace").rstrip(" /"), at + _HEADER, int(length))
        if member.offset + member.size > size:
            raise InputError(f"{what} ends early, inside {member.name}")
        yield member
        at = member.offset + member.size + member.size % 2
    raise InputError(f"{what} has too many members for a package")


def _chunks(file: IO[bytes], member: Member, what: str) -> Iterator[bytes]:
    file.seek(member.offset)
    left = member.size
    while left:
        chunk = file.read(min(left, compress.CHUNK))
        if not chunk:
            raise InputError(f"{what} ends early, inside {member.name}")
        left -= len(chunk)
        yield chunk


def inflate(chunks: Iterator[bytes], new: Callable[[], Any], what: str) -> Iterator[bytes]:
    """Decompress one or more streams in a row, a bounded piece at a time."""
    inflate = new()
    try:
        for chunk in chunks:
            data = chunk
            while data or not inflate.needs_input:
                if inflate.eof:
                    inflate = new()
                if out := inflate.decompress(data, compress.CHUNK):
                    yield out
                data = inflate.unused_data if inflate.eof else b""
                if inflate.eof and not data:
                    break
    except (lzma.LZMAError, OSError) as error:
        raise InputError(f"{what} is damaged: {error}") from error
    if not inflate.eof:
        raise InputError(f"{what} ends early")
