"""Directories on this machine as sorted listings that depend on nothing but their content."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from slipway.errors import FetchError, InputError
from slipway.oci.digest import canonical
from slipway.oci.entry import Entry
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


@value
class Found:
    """A path below a root (`path` relative, `status` of the thing itself, also for a symlink)."""

    path: str
    status: os.stat_result
    target: str = ""


def walk(root: Path) -> list[Found]:
    """Everything below `root`, sorted by the bytes of its path; symlinks are listed and never followed.

    `FetchError` for what cannot be read, `InputError` for names that are not UTF-8 and for special files.
    """
    found: dict[bytes, Found] = {}
    todo = [""]
    while todo:
        prefix = todo.pop()
        try:
            with os.scandir(root / prefix) as entries:
                for entry in entries:
                    path = prefix + entry.name
                    status = entry.stat(follow_symlinks=False)
                    mode = status.st_mode
                    target = ""
                    if stat.S_ISDIR(mode):
                        todo.append(path + "/")
                    elif stat.S_ISLNK(mode):
                        target = os.readlink(entry.path)  # noqa: PTH115 - a path object per entry is slow
                        _utf8(target, f"target of {entry.path}")
                    elif not stat.S_ISREG(mode):
                        raise InputError(
                            f"{entry.path} is {special(mode)}, which no image can hold as a file"
                        )
                    found[_utf8(path, entry.path)] = Found(path, status, target)
        except OSError as error:
            raise FetchError(f"cannot read {error.filename or root / prefix}: {error.strerror}") from error
    return [found[name] for name in sorted(found)]


def listing(found: Iterable[Found], sha256_of: Callable[[Found], str]) -> tuple[Entry, ...]:
    """Entries owned by root, without times, with modes that a checkout and a umask do not change."""
    return tuple(_entry(item, sha256_of) for item in found)


def digest(entries: Iterable[Entry]) -> str:
    """The hex sha256 of a listing: the same for equal trees, wherever they are."""
    return hashlib.sha256(canonical_listing(entries)).hexdigest()


def canonical_listing(entries: Iterable[Entry]) -> bytes:
    """The bytes that `digest` is of: JSON `[[[path, kind, mode, sha256, target], …]]`."""
    return canonical([[[e.path, e.kind, e.mode, e.sha256, e.target] for e in entries]])


def file_mode(mode: int) -> int:
    """0755 for what its owner may execute, 0644 for the rest (as git keeps them)."""
    return 0o755 if mode & stat.S_IXUSR else 0o644


def special(mode: int) -> str:
    for test, name in (
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISCHR, "a character device"),
    ):
        if test(mode):
            return name
    return "neither a file nor a directory"


def _entry(item: Found, sha256_of: Callable[[Found], str]) -> Entry:
    mode = item.status.st_mode
    if stat.S_ISDIR(mode):
        return Entry(item.path, "dir", 0o755)
    if stat.S_ISLNK(mode):
        return Entry(item.path, "symlink", 0o777, target=item.target)
    return Entry(item.path, "file", file_mode(mode), size=item.status.st_size, sha256=sha256_of(item))


def _utf8(text: str, shown: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"a name is not UTF-8: {os.fsencode(shown)!r}") from error
