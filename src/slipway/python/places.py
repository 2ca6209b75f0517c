"""Where the paths in requirements lead: the workspace as it will be in the image, or this machine.

Absolute paths below the workspace and relative ones in its files mean the workspace. Relative ones in a recipe mean
the workspace too, where pip would run, and else what lies beside the recipe.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from slipway.errors import Where
from slipway.inputs import tree
from slipway.inputs.fileurl import file_path
from slipway.inputs.statcache import hash_file
from slipway.oci.entry import Entry
from slipway.oci.follow import follow
from slipway.python.requirement import Place, Unfit, public, scheme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from slipway.inputs.pinned import PinnedFile
    from slipway.settings import Settings

_SHOWN = 12  # names of what is there instead

Held = tuple[Entry, Path]


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree: what is below it, sorted, each entry (its path relative to the tree) with the file that has its content."""

    held: tuple[Held, ...]

    @property
    def digest(self) -> str:
        return tree.digest(entry for entry, _ in self.held)

    def below(self, directory: str) -> Tree:
        """The part of the tree in a directory; `Unfit` when there is none."""
        start = f"{posixpath.normpath(directory)}/"
        if start in ("./", "/") or start.startswith(("../", "/")):
            raise Unfit(f"`{directory}` is no subdirectory")
        inner = [(replace(e, path=e.path[len(start) :]), p) for e, p in self.held if e.path.startswith(start)]
        if not inner:
            raise Unfit(f"there is no directory `{directory}` in it")
        return Tree(tuple(inner))


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a path names: a `file` with its entry, or a `tree`. `place` is the directory around it, or itself."""

    path: str
    place: Place
    file: Held | None = None
    tree: Tree | None = None


class Places:
    """Finds what paths name; `root` is the workspace in the image, `pinned` gives all that will be in it.

    `directory` is the recipe's. `variables` are those that requirements may name as `${NAME}`.
    """

    def __init__(
        self,
        root: str,
        pinned: Callable[[], Iterable[PinnedFile]],
        settings: Settings,
        *,
        directory: Path,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.root = root.rstrip("/")
        self.directory = directory
        self.variables = {**(variables or {}), "WORKSPACE": self.root}
        self._pinned = pinned
        self._settings = settings

    def find(self, target: str, place: Place) -> Found:
        """What `target` (a path or file: URL) names, seen from `place`; `Unfit` tells what is there when it is not."""
        path = str(file_path(target)) if scheme_of(target) == "file" else target
        path = str(Path(path).expanduser()) if path.startswith("~") else path
        if inside := self._inside(path):
            return self._of_workspace(inside, target)
        if posixpath.isabs(path):
            return self._of_machine(Path(path), target)
        if place.kind == "workspace":
            return self._of_workspace(posixpath.normpath(posixpath.join(place.path, path)), target)
        if place.kind == "web":
            raise Unfit(f"`{target}` is relative to an address, where no paths can be looked at")
        try:
            return self._of_workspace(posixpath.normpath(path), target)
        except Unfit as unfit:
            beside = Path(place.path, path)
            if beside.exists():
                return self._of_machine(beside, target)
            raise Unfit(unfit.message, f"looked at {beside} too; {unfit.hint}") from unfit

    def address(self, target: str, place: Place) -> str:
        """The address that `target` names seen from `place`, or empty when it is a path."""
        if scheme_of(target) in ("http", "https"):
            return target
        return urljoin(place.path, target) if place.kind == "web" and not scheme_of(target) else ""

    def _inside(self, path: str) -> str:
        """An absolute path relative to the workspace; empty when it is not below it."""
        normal = posixpath.normpath(path)
        if normal == self.root:
            return "."
        return normal.removeprefix(self.root + "/") if normal.startswith(self.root + "/") else ""

    # -- the workspace ---------------------------------------------------------------------------------------

    @cached_property
    def _workspace(self) -> Mapping[str, Held]:
        """Everything in the workspace by path, directories included."""
        found: dict[str, Held] = {}
        for pinned in self._pinned():
            if pinned.kind == "file":
                mode, size, sha256 = pinned.mode, pinned.size, pinned.sha256
                found[pinned.dest] = Entry(pinned.dest, "file", mode, size=size, sha256=sha256), pinned.path
                continue
            for entry in pinned.listing:
                path = posixpath.normpath(posixpath.join(pinned.dest, entry.path))
                found[path] = replace(entry, path=path), pinned.place(entry)
        for path in list(found):
            parent = posixpath.dirname(path)
            while parent and parent not in found:
                found[parent] = Entry(parent, "dir", 0o755), Path()
                parent = posixpath.dirname(parent)
        return found

    @cached_property
    def _entries(self) -> Mapping[str, Entry]:
        return {path: entry for path, (entry, _) in self._workspace.items()}

    def _of_workspace(self, path: str, target: str) -> Found:
        if path == ".." or path.startswith("../"):
            raise Unfit(f"`{public(target)}` is outside the workspace")
        held = self._workspace
        real = follow(self._entries, path)
        if path == "." or (real and held[real][0].kind == "dir"):
            return Found(real or ".", Place("workspace", real), tree=self._tree(real))
        if not real or held[real][0].kind != "file":
            raise Unfit(f"`{public(target)}` is not in the workspace", self._around(path))
        return Found(real, Place("workspace", posixpath.dirname(real)), file=held[real])

    def _tree(self, path: str) -> Tree:
        start = f"{path}/" if path else ""
        inner = [
            (replace(entry, path=name[len(start) :]), file)
            for name, (entry, file) in self._workspace.items()
            if name.startswith(start)
        ]
        return Tree(tuple(sorted(inner, key=lambda held: held[0].path.encode())))

    def _around(self, path: str) -> str:
        """What a person should know about the place of something that is not there."""
        parent = posixpath.dirname(path)
        while parent and parent not in self._workspace:
            parent = posixpath.dirname(parent)
        start = f"{parent}/" if parent else ""
        names = sorted({p[len(start) :].partition("/")[0] for p in self._workspace if p.startswith(start)})
        place = f"{self.root}/{parent}".rstrip("/")
        if not names:
            return f"{place} is empty: bring it in with `files` or `repositories`"
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return f"in {place} there is {', '.join(names[:_SHOWN])}{more}"

    # -- this machine ----------------------------------------------------------------------------------------

    def _of_machine(self, path: Path, target: str) -> Found:
        from slipway.inputs.local import pin_local
        from slipway.recipe.model import FileItem

        if not path.exists():
            raise Unfit(f"there is no `{public(target)}`", f"looked at {path}")
        pinned = pin_local(FileItem("it", str(path), Where("")), path.parent, self._settings)
        if pinned.kind == "file":
            entry = Entry(path.name, "file", pinned.mode, size=pinned.size, sha256=pinned.sha256)
            return Found(str(path), Place("machine", str(path.parent)), file=(entry, pinned.path))
        held = tuple((entry, pinned.place(entry)) for entry in pinned.listing)
        return Found(str(path), Place("machine", str(path)), tree=Tree(held))


def held_by(pinned: PinnedFile) -> tuple[Held, ...]:
    """The entries of a pinned tree with the files of their content."""
    return tuple((entry, _file(pinned, entry)) for entry in pinned.listing)


def _file(pinned: PinnedFile, entry: Entry) -> Path:
    return pinned.place(entry) if entry.kind == "file" else Path()


def on_machine(directory: Path) -> Tree:
    """A directory of this machine, read as it is now."""
    entries = tree.listing(
        tree.walk(directory), lambda found: hash_file(directory / found.path, found.status)
    )
    return Tree(tuple((entry, directory / entry.path) for entry in entries))
