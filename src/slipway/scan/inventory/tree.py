"""A root file system, or any other directory, on this machine: read as it is, symlinks never followed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.oci.compress import CHUNK
from slipway.oci.tarread import SMALL
from slipway.scan.inventory.collect import Collector
from slipway.scan.inventory.interest import format_of
from slipway.scan.inventory.opened import Opened
from slipway.scan.inventory.words import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.scan.inventory.model import LayerFacts

# where they are mounted, the kernel makes up what is there: no packages, and no end
_MADE_UP = frozenset(("proc", "sys", "dev"))


def from_directory(path: Path) -> Opened:
    """`UsageError` when it is no directory. What may not be read is told in the facts."""
    if not path.is_dir():
        raise UsageError(f"{path} is not a directory")
    return Opened("", "", (), (("", facts_of(path)),))


def facts_of(root: Path) -> LayerFacts:
    """The facts of everything below `root`, as those of a layer."""
    with Collector() as collector:
        _walk(os.fspath(root), collector)
        return collector.finish("")


def _walk(root: str, collector: Collector) -> None:
    todo = [(root, "")]
    while todo:
        real, directory = todo.pop()
        try:
            with os.scandir(real) as entries:
                rows = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            collector.problem(directory or ".", f"the directory cannot be read: {error.strerror}")
            continue
        for entry in rows:
            name = as_text(entry.name)
            path = f"{directory}/{name}" if directory else name
            if entry.is_symlink():
                collector.symlink(path, as_text(os.readlink(entry.path)))  # noqa: PTH115 - the loop is hot
            elif entry.is_dir(follow_symlinks=False):
                collector.directory(path)
                if not (path in _MADE_UP and os.path.ismount(entry.path)):
                    todo.append((entry.path, path))
            elif format_of(path):
                _file(entry.path, path, collector)


def _file(real: str, path: str, collector: Collector) -> None:
    try:
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                collector.problem(path, "it is not a regular file")
                return
            pieces: Iterator[bytes] = iter(lambda: file.read(CHUNK), b"")
            collector.file(path, found.st_size, b"".join(pieces) if found.st_size <= SMALL else pieces)
    except OSError as error:
        collector.problem(path, f"it cannot be read: {error.strerror}")
