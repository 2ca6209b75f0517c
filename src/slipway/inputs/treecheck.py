"""Whether the entries of a foreign tree fit together, and stay in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import InputError
from slipway.oci.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_LINKS = 40  # as the kernel has it (path_resolution(7))
_DEEPEST = 200  # parts of a path


def check_tree(found: Mapping[str, Entry], what: str) -> tuple[Entry, ...]:
    """The entries with all directories above them, sorted by the bytes of their paths.

    `InputError` for entries below something that is no directory, and for symlinks that lead out of the tree: by an
    absolute path, or by more `..` than there are directories, also through other links.
    """
    entries = dict(found)
    for path in found:
        parts = path.split("/")
        if len(parts) > _DEEPEST:
            raise InputError(f"{what} holds a path that is absurdly deep: {path[:80]}…")
        for depth in range(len(parts) - 1, 0, -1):
            parent = "/".join(parts[:depth])
            if parent not in entries:
                entries[parent] = Entry(parent, "dir", 0o755)
            elif entries[parent].kind == "dir":
                break
            else:
                raise InputError(f"{what}: {path} is below {parent}, which is no directory")
    for path, entry in found.items():
        if entry.kind == "symlink" and not _stays(path, entries):
            raise InputError(f"{what}: {path} is a link that leads out of it: {entry.target}")
    return tuple(entries[path] for path in sorted(entries, key=str.encode))


def _stays(path: str, entries: Mapping[str, Entry]) -> bool:
    """Whether following the symlink at `path` never leaves the root; one that leads round in circles does not."""
    done = path.split("/")[:-1]
    todo = entries[path].target.split("/")[::-1]
    if entries[path].target.startswith("/"):
        return False
    links = 1
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                return False
            done.pop()
            continue
        entry = entries.get("/".join([*done, part]))
        if entry is None or entry.kind != "symlink":
            done.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            return True  # the kernel would not follow it either
        if entry.target.startswith("/"):
            return False
        todo += entry.target.split("/")[::-1]
    return True
