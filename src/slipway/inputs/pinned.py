"""A source of `files` with the hash of its content, and the fragment that it becomes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from slipway.errors import InputError, StoreError
from slipway.inputs.pool import EMPTY
from slipway.inputs.pool import place as pooled_place
from slipway.inputs.statcache import changed, open_file
from slipway.oci.entry import Entry, clean_path
from slipway.oci.fragment import Component
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter

JOBS = "jobs"  # among a fragment's extras: the paths that say of themselves that they are pyATS jobs

_FORM = 1  # raise it when the same source gives another fragment or other extras
_BLOCK = 1 << 20
_MARK = b"PYATS_JOBFILE"  # in one of the first lines of a job file, as the pyATS Image Builder has it
_MARKED_LINES = 10


@value
class PinnedFile:
    """What `source` is now.

    `sha256` (hex) is of a file's content or of a tree's listing; `size` is the sum of the files' bytes; `path` is
    where the bytes are: the file, the directory, or with `pooled` the stored listing of a tree (`slipway.inputs.pool`).
    `mode` is that of the file. `listing` holds what is below a tree, its paths relative to it, sorted by their bytes.
    `owner` is `UID[:GID]`, or empty for root; `archive` is the hash (hex) of what the tree was unpacked from, if it was.
    """

    dest: str
    source: str
    kind: Literal["file", "tree"]
    sha256: str
    size: int
    path: Path
    mode: int = 0o644
    listing: tuple[Entry, ...] = ()
    owner: str = ""
    archive: str = ""
    pooled: bool = False

    def place(self, entry: Entry) -> Path:
        """Where the bytes of a file in the listing are."""
        return pooled_place(self.path, entry) if self.pooled else self.path / entry.path

    @property
    def ids(self) -> tuple[int, int]:
        """The numbers of user and group; the group is the user's number when none is named (as for COPY --chown)."""
        user, _, group = (self.owner or "0").partition(":")
        return int(user), int(group or user)


def file_key(cache: FragmentCache, pinned: PinnedFile, prefix: str) -> str:
    """The key of `file_fragment`'s answer."""
    owner = [pinned.owner] if pinned.owner else []
    return cache.key("file", _FORM, _place(pinned, prefix), pinned.kind, pinned.sha256, pinned.mode, *owner)


def file_fragment(cache: FragmentCache, pinned: PinnedFile, prefix: str) -> Fragment:
    """The fragment that puts `pinned` at `prefix`/`dest`; its key depends on content and place, not on the source.

    The directories above are listed as root's, those inside as the owner's, all 0755. `InputError` when the content is
    not what was pinned any more, `StoreError` when the cache lost it.
    """
    component = Component("file", pinned.dest, pinned.sha256[:12])
    return cache.make(file_key(cache, pinned, prefix), component, filler(pinned, prefix))


def filler(pinned: PinnedFile, prefix: str) -> Callable[[FragmentWriter], dict[str, Any]]:
    """What writes the entries of a fragment that puts `pinned` at `prefix`/`dest`; errors as of `file_fragment`."""
    place = _place(pinned, prefix)
    uid, gid = pinned.ids

    def fill(writer: FragmentWriter) -> dict[str, Any]:
        if pinned.kind == "file" and place == clean_path(prefix):
            raise InputError(f"{pinned.source} is a file and needs a name at its destination")
        if pinned.kind == "tree" and not pinned.listing and pinned.sha256 != EMPTY:
            raise StoreError(f"the cache lost {pinned.source} while it was in use", hint="build again")
        for parent in reversed(PurePosixPath(place).parents[:-1]):
            writer.directory(str(parent))
        if pinned.kind == "file":
            entry = Entry(place, "file", pinned.mode, uid, gid, size=pinned.size, sha256=pinned.sha256)
            return {JOBS: [place] if _add(writer, entry, pinned.path) else []}
        writer.directory(place, uid=uid, gid=gid)
        jobs = []
        for entry in pinned.listing:
            placed = replace(entry, path=f"{place}/{entry.path}".lstrip("/"), uid=uid, gid=gid)
            if entry.kind == "dir":
                writer.directory(placed.path, uid=uid, gid=gid)
            elif entry.kind == "file":
                if _add(writer, placed, pinned.place(entry)):
                    jobs.append(placed.path)
            else:
                writer.add(placed)
        return {JOBS: jobs}

    return fill


def _place(pinned: PinnedFile, prefix: str) -> str:
    return clean_path(f"{prefix}/{pinned.dest}", what="the recipe")


def _add(writer: FragmentWriter, entry: Entry, path: Path) -> bool:
    """Whether the file says that it is a job."""
    first: list[bytes] = []

    def watched() -> Iterator[bytes]:
        for block in content(path, entry.size):
            if not first:
                first.append(block)
            yield block

    is_python = entry.path.endswith(".py")
    if writer.add(entry, watched() if is_python else content(path, entry.size)) != entry.sha256:
        raise changed(path)
    return any(_MARK in block and _MARK in b"\n".join(block.splitlines()[:_MARKED_LINES]) for block in first)


def content(path: Path, size: int) -> Iterator[bytes]:
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
