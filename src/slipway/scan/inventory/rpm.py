"""The header of an RPM package as its database keeps it (RPM's documentation: Package format, Header).

index length, data length      4 bytes each, big-endian
index entries                  tag, type, offset into the data, count: 4 bytes each
data
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from slipway.errors import InputError
from slipway.scan.inventory.interest import owned
from slipway.scan.inventory.model import Package
from slipway.scan.inventory.words import licences, optional, word

_NAME, _VERSION, _RELEASE, _EPOCH, _LICENSE, _ARCH = 1000, 1001, 1002, 1003, 1014, 1022
_SOURCE, _DIRECTORY_OF, _BASENAMES, _DIRECTORIES = 1044, 1116, 1117, 1118
_INT32, _STRING, _STRINGS, _TRANSLATED = 4, 6, 8, 9
_MOST_ENTRIES: Final = 0xFFFF
_KEYS = "gpg-pubkey"  # the database keeps keys in the form of packages


@dataclass(frozen=True, slots=True)
class Described:
    """What a header, or the `rpm` program, says of a package, as text."""

    name: str
    epoch: str
    version: str
    release: str
    arch: str
    source: str
    license: str
    files: tuple[str, ...] = ()


def package(said: Described) -> Package | None:
    """None for what is not a package. The version is `[EPOCH:]VERSION-RELEASE`, as RPM's tools write it."""
    if said.name == _KEYS:
        return None
    name = word(said.name, "name")
    release = f"{word(said.version, 'version')}-{word(said.release, 'release')}"
    epoch = f"{int(said.epoch)}:" if said.epoch.isdecimal() and int(said.epoch) else ""
    source_name, source_version = _source(said.source)
    return Package(
        "rpm",
        name,
        f"{epoch}{release}",
        optional(said.arch, "architecture"),
        source_name or name,
        source_version or release,
        licences(said.license),
        owns=owned(said.files),
    )


def described(blob: bytes) -> Described:
    """`InputError` for a malformed header."""
    values = _entries(blob)
    try:
        names = [str(name) for name in values.get(_BASENAMES, ())]
        directories = [str(name) for name in values.get(_DIRECTORIES, ())]
        places = [int(number) for number in values.get(_DIRECTORY_OF, ())]
        files = tuple(directories[place] + name for place, name in zip(places, names, strict=True))
    except (IndexError, ValueError) as error:
        raise InputError("the header of a package has a malformed list of files") from error
    one = {tag: str(found[0]) for tag, found in values.items() if found}
    return Described(
        one.get(_NAME, ""),
        one.get(_EPOCH, ""),
        one.get(_VERSION, ""),
        one.get(_RELEASE, ""),
        one.get(_ARCH, ""),
        one.get(_SOURCE, ""),
        one.get(_LICENSE, ""),
        files,
    )


def _source(text: str) -> tuple[str, str]:
    """Name and `VERSION-RELEASE` from `NAME-VERSION-RELEASE.src.rpm`."""
    stem = text.removesuffix(".rpm").rpartition(".")[0]
    parts = stem.rsplit("-", 2)
    if len(parts) != 3:
        return "", ""
    return word(parts[0], "source"), word(f"{parts[1]}-{parts[2]}", "source version")


_WANTED: Final = frozenset(
    (
        _NAME,
        _VERSION,
        _RELEASE,
        _EPOCH,
        _LICENSE,
        _ARCH,
        _SOURCE,
        _DIRECTORY_OF,
        _BASENAMES,
        _DIRECTORIES,
    )
)


def _entries(blob: bytes) -> dict[int, list[str] | list[int]]:
    found: dict[int, list[str] | list[int]] = {}
    try:
        count, size = struct.unpack_from(">II", blob)
        start = 8 + 16 * count
        if count > _MOST_ENTRIES or start + size > len(blob):
            raise InputError("the header of a package ends early")
        data = blob[start : start + size]
        for number in range(count):
            tag, kind, offset, items = struct.unpack_from(">IIII", blob, 8 + 16 * number)
            if tag not in _WANTED:
                continue
            if tag in found:
                raise InputError("the header of a package says a thing twice")
            if kind == _INT32:
                found[tag] = list(struct.unpack_from(f">{_number(items, size)}I", data, offset))
            elif kind in (_STRING, _STRINGS, _TRANSLATED):
                found[tag] = _texts(data, offset, 1 if kind == _STRING else _number(items, size))
    except struct.error as error:
        raise InputError("the header of a package is malformed") from error
    return found


def _number(items: int, size: int) -> int:
    """A count that is no larger than the data could hold: nobody's claim makes us allocate memory."""
    if items > size:
        raise InputError("the header of a package claims more than it holds")
    return items


def _texts(data: bytes, offset: int, items: int) -> list[str]:
    out = []
    for _ in range(items):
        end = data.find(b"\0", offset)
        if end < 0:
            raise InputError("the header of a package ends early")
        out.append(data[offset:end].decode(errors="replace"))
        offset = end + 1
    return out
