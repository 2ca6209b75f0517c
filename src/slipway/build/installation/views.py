"""The files of a workspace, wherever they are now: their paths there, and their contents when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.inputs.pinned import JOBS
from slipway.oci.entry import Entry
from slipway.oci.follow import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from slipway.inputs.pinned import PinnedFile
    from slipway.oci.fragment import Fragment

LARGEST = 16 << 20  # bytes of a file that is read


class View:
    """`files` are the regular files by path (relative to the workspace), sorted, each with its place in the image.

    A link counts as the file that it leads to, if that is in the workspace. `marked` are paths of files that say of themselves
    that they are pyATS jobs.
    """

    def __init__(
        self,
        sizes: dict[str, int],
        links: Sequence[Entry],
        prefix: str,
        read: Callable[[Sequence[str]], dict[str, bytes]],
        marked: Iterable[str] = (),
    ) -> None:
        """`sizes` (bytes) and `links` are by place in the image, below `prefix`; `read` gives contents by place."""
        self._sizes = sizes
        self._read = read
        start = len(prefix) + 1
        real = {place: place for place in sizes}
        if links:
            whole = {place: Entry(place) for place in sizes} | {e.path: e for e in links}
            for entry in links:
                place = entry.target if entry.kind == "link" else follow(whole, entry.path)
                if place in sizes:
                    real[entry.path] = place
        self.files = {place[start:]: real[place] for place in sorted(real)}
        told = set(marked)
        self.marked = [path for path, place in self.files.items() if place in told] if told else []

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of these files, without those of more than 16 MiB."""
        places = {path: self.files[path] for path in paths}
        wanted = sorted({place for place in places.values() if self._sizes[place] <= LARGEST})
        contents = self._read(wanted) if wanted else {}
        return {path: contents[place] for path, place in places.items() if place in contents}


def of_fragments(fragments: Sequence[Fragment], prefix: str) -> View:
    """What is in the fragments of files, which go to the workspace at `prefix` (no leading slash)."""
    sizes: dict[str, int] = {}
    links: list[Entry] = []
    holders: dict[str, Fragment] = {}
    marked: list[str] = []
    for fragment in fragments:
        marked += fragment.extra.get(JOBS, ())
        for row in fragment.rows:  # thousands: no values are made of them
            if row[1] == "file":
                sizes[row[0]] = row[6] if len(row) > 6 else 0
                holders[row[0]] = fragment
            elif row[1] in ("symlink", "link"):
                links.append(Entry.unpack(row))

    def read(places: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for fragment in fragments:
            if here := [place for place in places if holders[place] is fragment]:
                found |= fragment.read(*here)
        return found

    return View(sizes, links, prefix, read, marked)


def of_sources(pinned: Iterable[PinnedFile], prefix: str) -> View:
    """What is in sources that were brought in and are not fragments yet; the workspace will be at `prefix`."""
    sizes: dict[str, int] = {}
    links: list[Entry] = []
    paths: dict[str, Path] = {}
    for item in pinned:
        if item.kind == "file":
            sizes[f"{prefix}/{item.dest}"] = item.size
            paths[f"{prefix}/{item.dest}"] = item.path
        for entry in item.listing:
            place = f"{prefix}/{item.dest}/{entry.path}"
            if entry.kind == "file":
                sizes[place] = entry.size
                paths[place] = item.place(entry)
            elif entry.kind == "symlink":
                links.append(Entry(place, "symlink", target=entry.target))

    def read(places: Sequence[str]) -> dict[str, bytes]:
        from slipway.inputs.statcache import open_file

        found = {}
        for place in places:
            with open_file(paths[place]) as file:
                found[place] = file.read(LARGEST)
        return found

    return View(sizes, links, prefix, read)
