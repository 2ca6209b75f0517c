"""What the dynamic linker's cache needs to know of a shared object (System V gABI, chapters 4 and 5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Final

_DYN: Final = 3  # e_type of a shared object
_LOAD: Final = 1
_DYNAMIC: Final = 2
_STRTAB: Final = 5
_SONAME: Final = 14
_MOST_HEADERS: Final = 256
_MOST_DYNAMIC: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class SharedObject:
    """`bits` is 32 or 64, `machine` the number in e_machine; `soname` may be empty."""

    soname: str
    bits: int
    machine: int


def shared_object(file: IO[bytes]) -> SharedObject | None:
    """Read a seekable file; None when it is no shared object or not a sound one. Never raises on its content."""
    file.seek(0)
    ident = file.read(64)
    if len(ident) < 52 or ident[:4] != b"\x7fELF" or ident[4] not in (1, 2) or ident[5] not in (1, 2):
        return None
    wide = ident[4] == 2
    order = "<" if ident[5] == 1 else ">"
    try:
        kind, machine = struct.unpack_from(order + "HH", ident, 16)
        table: int = struct.unpack_from(order + ("Q" if wide else "I"), ident, 32 if wide else 28)[0]
        width, count = struct.unpack_from(order + "HH", ident, 54 if wide else 42)
        if kind != _DYN or count > _MOST_HEADERS or width < (56 if wide else 32):
            return None
        loads: list[tuple[int, int, int]] = []
        dynamic = b""
        for n in range(count):
            head = _at(file, table + n * width, width)
            if wide:
                what, _, offset, address, _, size = struct.unpack_from(order + "IIQQQQ", head)
            else:
                what, offset, address, _, size = struct.unpack_from(order + "IIIII", head)
            if what == _LOAD:
                loads.append((address, offset, size))
            elif what == _DYNAMIC:
                dynamic = _at(file, offset, min(size, _MOST_DYNAMIC))
        name = _soname(file, loads, dynamic, order + ("qQ" if wide else "iI"))
    except (struct.error, OSError, OverflowError, ValueError):
        return None
    return SharedObject(name, 64 if wide else 32, machine)


def _soname(file: IO[bytes], loads: list[tuple[int, int, int]], dynamic: bytes, form: str) -> str:
    tags: dict[int, int] = {}
    whole = len(dynamic) - len(dynamic) % struct.calcsize(form)
    for tag, value in struct.iter_unpack(form, dynamic[:whole]):
        if tag == 0:
            break
        tags[tag] = value
    if _SONAME not in tags or _STRTAB not in tags:
        return ""
    strings = tags[_STRTAB]
    for address, offset, size in loads:
        if address <= strings < address + size:
            text = _at(file, offset + strings - address + tags[_SONAME], 1024)
            return text.partition(b"\0")[0].decode()
    return ""


def _at(file: IO[bytes], offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
