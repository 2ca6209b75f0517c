"""The writable directory of an overlay as a tar stream: what was changed, in the form that layers have it.

Whiteouts and opaque directories: overlayfs.rst of the kernel, and layer.md of the image specification.
"""

# Paths are strings here: the loop is hot.
# ruff: noqa: PTH115

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.oci.entry import END_OF_ARCHIVE, Entry, padding

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE: Final = 1 << 20
_OPAQUE: Final = ("trusted.overlay.opaque", "user.overlay.opaque")
_TYPES: Final = {stat.S_IFIFO: "fifo", stat.S_IFCHR: "char", stat.S_IFBLK: "block"}


def archive(upper: str) -> Iterator[bytes]:
    """A tar stream with everything below `upper`, sorted, directories before what is in them.

    Owners are those that the calling process sees. Of several names of one file the later are hard links to the first.
    Sockets are left out. `InputError` for a name that is not UTF-8.
    """
    links: dict[tuple[int, int], str] = {}
    yield from _directory(upper, "", links)
    yield END_OF_ARCHIVE


def _directory(upper: str, prefix: str, links: dict[tuple[int, int], str]) -> Iterator[bytes]:
    with os.scandir(f"{upper}/{prefix}") as found:
        names = sorted((os.fsencode(entry.name), entry.name) for entry in found)
    for _, name in names:
        path = f"{prefix}{name}"
        try:
            path.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"a file has a name that is not UTF-8: {os.fsencode(path)!r}") from error
        place = f"{upper}/{path}"
        status = os.lstat(place)
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFCHR and status.st_rdev == 0:
            yield Entry(f"{prefix}.wh.{name}").header()
        elif kind != stat.S_IFSOCK:
            first = links.setdefault((status.st_dev, status.st_ino), path)
            if first != path and kind != stat.S_IFDIR:
                yield _entry(path, "link", status, target=first).header()
                continue
            names_, opaque = _attributes(place)
            if kind == stat.S_IFDIR:
                yield _entry(path, "dir", status, xattrs=names_).header()
                if opaque:
                    yield Entry(f"{path}/.wh..wh..opq").header()
                yield from _directory(upper, f"{path}/", links)
            elif kind == stat.S_IFLNK:
                yield _entry(path, "symlink", status, target=os.readlink(place)).header()
            elif kind == stat.S_IFREG:
                yield _entry(path, "file", status, size=status.st_size, xattrs=names_).header()
                yield from _content(place, status.st_size)
            else:
                dev = (os.major(status.st_rdev), os.minor(status.st_rdev))
                yield _entry(path, _TYPES[kind], status, dev=dev).header()


def _entry(path: str, kind: str, status: os.stat_result, **more: object) -> Entry:
    return Entry(
        path,
        kind,  # type: ignore[arg-type]
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        mtime=status.st_mtime_ns // 10**9,
        **more,  # type: ignore[arg-type]
    )


def _attributes(place: str) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The extended attributes that belong into a layer, and whether a directory is opaque."""
    try:
        names = os.listxattr(place, follow_symlinks=False)
    except OSError:  # a file system without any
        return (), False
    kept = []
    opaque = False
    for name in sorted(names):
        if name in _OPAQUE:
            opaque = opaque or os.getxattr(place, name, follow_symlinks=False) == b"y"
        elif name == "security.capability" or (
            name.startswith("user.") and not name.startswith("user.overlay.")
        ):
            kept.append((name, os.getxattr(place, name, follow_symlinks=False).hex()))
    return tuple(kept), opaque


def _content(place: str, size: int) -> Iterator[bytes]:
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        left = size
        while left:
            piece = os.read(handle, min(left, _PIECE))
            if not piece:
                raise InputError(f"{place} became shorter while it was read")
            left -= len(piece)
            yield piece
    finally:
        os.close(handle)
    yield padding(size)
