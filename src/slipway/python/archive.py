"""Source trees as archives: what pip would build in a directory is here a source distribution with a hash.

The archive of a tree is the same wherever and whenever it is made: a tar of its files in order, owned by root, without times,
in gzip's format with nothing compressed (RFC 1951, section 3.2.4), so that no library's choices are in it.
"""

from __future__ import annotations

import hashlib
import posixpath
import struct
import zlib
from typing import TYPE_CHECKING

from slipway.errors import InputError
from slipway.files import atomic
from slipway.inputs import tree
from slipway.inputs.archives import members
from slipway.inputs.kept import path_of
from slipway.inputs.pinned import content
from slipway.inputs.statcache import changed
from slipway.oci.entry import BLOCK, END_OF_ARCHIVE, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.python.places import Tree
    from slipway.settings import Settings

_ROOT = "source"  # the one directory in the archive
_STORED = 0xFFFF  # bytes that one block can hold


def archived(source: Tree, settings: Settings) -> tuple[Path, str]:
    """The archive of `source` among the downloads, and its hash (hex). `InputError` when a file is not what it was."""
    sha256 = _write(source, lambda _: 0)  # under which name to write it is known only afterwards
    path = path_of(sha256, settings)
    if not path.exists():
        with atomic(path) as out:
            _write(source, out.write)
    return path, sha256


def keep(path: Path, entry: Entry, settings: Settings) -> Path:
    """A file with the hash of `entry` among the downloads; `InputError` when it has another."""
    target = path_of(entry.sha256, settings)
    if target.exists():
        return target
    digest = hashlib.sha256()
    with atomic(target) as out:
        for piece in content(path, entry.size):
            digest.update(piece)
            out.write(piece)
        if digest.hexdigest() != entry.sha256:
            raise changed(path)
    return target


def _write(source: Tree, write: Callable[[bytes], int]) -> str:
    digest = hashlib.sha256()

    def put(data: bytes) -> None:
        digest.update(data)
        write(data)

    put(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")  # RFC 1952: no name, no time, system unknown
    check = size = 0
    waiting = bytearray()
    for piece in _tar(source):
        check = zlib.crc32(piece, check)
        size += len(piece)
        waiting += piece
        while len(waiting) > _STORED:
            put(_block(waiting[:_STORED], last=False))
            del waiting[:_STORED]
    put(_block(waiting, last=True))
    put(struct.pack("<II", check, size & 0xFFFFFFFF))
    return digest.hexdigest()


def _block(data: bytearray, *, last: bool) -> bytes:
    return struct.pack("<BHH", int(last), len(data), len(data) ^ 0xFFFF) + data


def _tar(source: Tree) -> Iterator[bytes]:
    yield Entry(_ROOT, "dir", 0o755).header()
    for entry, file in source.held:
        placed = Entry(f"{_ROOT}/{entry.path}", entry.kind, entry.mode, size=entry.size, target=entry.target)
        yield placed.header()
        if entry.kind != "file":
            continue
        digest = hashlib.sha256()
        for piece in content(file, entry.size):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != entry.sha256:
            raise changed(file)
        yield b"\0" * (-entry.size % BLOCK)
    yield END_OF_ARCHIVE


def unpack(path: Path, filename: str, directory: Path) -> Path:
    """Unpack a source distribution below `directory`; the directory of the project (PyPA specification: source distribution format).

    `InputError` for an archive that is none, is hostile, or has more than one directory at its root.
    """
    for entry, data in members(path, filename):
        _write_entry(entry, data, directory, filename)
    inner = list(directory.iterdir())
    if len(inner) != 1 or not inner[0].is_dir():
        raise InputError(f"{filename} is no source distribution: it does not hold one directory")
    return inner[0]


def _write_entry(entry: Entry, data: bytes | Iterator[bytes], directory: Path, filename: str) -> None:
    place = _inside(directory, entry.path, filename)
    place.parent.mkdir(parents=True, exist_ok=True)
    if entry.kind == "dir":
        place.mkdir(exist_ok=True)
        return
    place.unlink(missing_ok=True)
    if entry.kind == "file":
        with place.open("xb") as file:
            for piece in (data,) if isinstance(data, bytes) else data:
                file.write(piece)
        place.chmod(tree.file_mode(entry.mode))
    elif entry.kind == "symlink":
        _inside(directory, posixpath.join(posixpath.dirname(entry.path), entry.target), filename)
        place.symlink_to(entry.target)
    elif entry.kind == "link":
        place.hardlink_to(_inside(directory, entry.target, filename))
    else:
        raise InputError(f"{filename}: {entry.path} is a device or a pipe")


def _inside(directory: Path, path: str, filename: str) -> Path:
    """A path of the archive in `directory`; `InputError` when it leads out, itself or by a link above it."""
    normal = posixpath.normpath(path)
    place = directory / normal
    above = place.parent.resolve()
    if posixpath.isabs(normal) or normal.startswith("../") or not above.is_relative_to(directory.resolve()):
        raise InputError(f"{filename} holds {path!r}, which leads out of it")
    return place
