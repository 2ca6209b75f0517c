"""Where a path of an image leads to, told from the entries of its layers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.oci.entry import Entry

_MOST_LINKS = 40  # as the kernel has it (path_resolution(7))


def follow(paths: Mapping[str, Entry], path: str) -> str:
    """The path of what `path` names in the end, all symlinks followed; empty when that is not there.

    `paths` are the entries of a whole file system by path, as `slipway.oci.layerindex.merged` gives them.
    """
    found = real(paths, path)
    return found if found in paths else ""


def real(paths: Mapping[str, Entry], path: str) -> str:
    """As `follow`, also for what is not there; empty for symlinks that go round in circles, and for the root."""
    done: list[str] = []
    todo = path.split("/")[::-1]
    links = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        entry = paths.get("/".join([*done, part]))
        if entry is None or entry.kind != "symlink":
            done.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            return ""
        if entry.target.startswith("/"):
            done.clear()
        todo += entry.target.split("/")[::-1]
    return "/".join(done)
