"""A source of `files` with the hash of its content, and the fragment that it becomes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from slipway.errors import InputError
from slipway.inputs.statcache import changed, open_file
from slipway.oci.entry import Entry, clean_path
from slipway.oci.fragment import Component
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.oci.fragment import Fragment, FragmentCache, FragmentWriter

_BLOCK = 1 << 20


@value
class PinnedFile:
    """What `source` is now.

    `sha256` (hex) is of a file's content or of a tree's listing; `size` is the sum of the files' bytes; `path` is
    where the bytes are. `mode` is that of the file. `listing` holds what is below a tree, its paths
    relative to it, sorted by their bytes.
    """

    dest: str
    source: str
    kind: Literal["file", "tree"]
    sha256: str
    size: int
    path: Path
    mode: int = 0o644
    listing: tuple[Entry, ...] = ()


def file_key(cache: FragmentCache, pinned: PinnedFile, prefix: str) -> str:
    """The key of `file_fragment`'s answer."""
    return cache.key("file", _place(pinned, prefix), pinned.kind, pinned.sha256, pinned.mode)


def file_fragment(cache: FragmentCache, pinned: PinnedFile, prefix: str) -> Fragment:
    """The fragment that puts `pinned` at `prefix`/`dest`; its key depends on content and place, not on the source.

    The directories above and inside are listed as root's, 0755. `InputError` when the content is not what was
    pinned any more.
    """
    place = _place(pinned, prefix)
    if pinned.kind == "file" and place == clean_path(prefix):
        raise InputError(f"{pinned.source} is a file and needs a name at its destination")
    component = Component("file", pinned.dest, pinned.sha256[:12])

    def fill(writer: FragmentWriter) -> None:
        for parent in reversed(PurePosixPath(place).parents[:-1]):
            writer.directory(str(parent))
        if pinned.kind == "file":
            _add(
                writer, Entry(place, "file", pinned.mode, size=pinned.size, sha256=pinned.sha256), pinned.path
            )
            return
        writer.directory(place)
        for entry in pinned.listing:
            placed = replace(entry, path=f"{place}/{entry.path}".lstrip("/"))
            if entry.kind == "dir":
                writer.directory(placed.path)
            elif entry.kind == "file":
                _add(writer, placed, pinned.path / entry.path)
            else:
                writer.add(placed)

    return cache.make(file_key(cache, pinned, prefix), component, fill)


def _place(pinned: PinnedFile, prefix: str) -> str:
    return clean_path(f"{prefix}/{pinned.dest}", what="the recipe")


def _add(writer: FragmentWriter, entry: Entry, path: Path) -> None:
    if writer.add(entry, _content(path, entry.size)) != entry.sha256:
        raise changed(path)


def _content(path: Path, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes."""
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size != size:
            raise changed(path)
        while size:
            block = file.read(min(size, _BLOCK))
            if not block:
                raise changed(path)
            size -= len(block)
            yield block
