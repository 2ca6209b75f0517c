"""All packages that the files of a tree pin, and all that nobody can say anything about."""

from __future__ import annotations

from pathlib import PurePosixPath
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.scan.source.model import Gap
from slipway.scan.source.pins import conda, imagelock, locks, project, requirements
from slipway.scan.source.pins.model import Include, Loose, Pin
from slipway.scan.source.pins.which import form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slipway.scan.source.content import Content

CHECK: Final = "dependencies"


class Pins:
    """Grows with every file. `open_file` gives one that a requirements file names, or None."""

    def __init__(self, open_file: Callable[[str], Content | None]) -> None:
        self.open_file = open_file
        self.found: list[tuple[str, Pin]] = []
        self.gaps: list[Gap] = []
        self.files: set[str] = set()

    def take(self, content: Content) -> None:
        """What the file says, if it is one that names packages."""
        kind = form(content)
        if kind:
            self._take(content, kind)

    def _take(self, content: Content, kind: str) -> None:
        if content.path in self.files:
            return
        self.files.add(content.path)
        text = content.text
        try:
            if text is None or not content.encoded:
                raise InputError("it is not UTF-8")
            locked = kind == "project" and self._locked(content)
            for entry in _entries(content, text, kind):
                if not (locked and isinstance(entry, Loose)):
                    self._entry(content, entry)
        except InputError as error:
            self.gaps.append(Gap(CHECK, "unread", f"it cannot be read: {error.brief}", content.path))

    def _locked(self, content: Content) -> bool:
        """Whether a file tells what is installed of the project: then what it asks for may be open."""
        places = PurePosixPath(content.path).parents
        return any(self.open_file((place / name).as_posix()) for place in places for name in project.LOCKS)

    def _entry(self, content: Content, entry: Pin | Loose | Include) -> None:
        if isinstance(entry, Pin):
            self.found.append((content.path, entry))
        elif isinstance(entry, Loose):
            self.gaps.append(Gap(CHECK, entry.rule, entry.why, content.path, entry.line))
        else:
            self._include(content, entry)

    def _include(self, content: Content, entry: Include) -> None:
        path = normpath(join(dirname(content.path), entry.name))
        other = None if path.startswith(("../", "/")) or "://" in entry.name else self.open_file(path)
        if other is not None:
            self._take(other, "requirements")
        elif path not in self.files:
            why = "it names another file that is not in the tree"
            self.gaps.append(Gap(CHECK, "unread", why, content.path, entry.line))


def _entries(content: Content, text: str, kind: str) -> Iterable[Pin | Loose | Include]:
    if kind == "requirements":
        return requirements.read(text)
    if kind == "toml":
        return locks.toml(text)
    if kind == "image":
        return imagelock.read(text)
    if kind == "project":
        return project.read(text)
    if kind == "pipfile":
        return locks.pipfile(content.data, text)
    if kind == "npm":
        return locks.node(content.data, text)
    if kind == "environment":
        return conda.environment(content.path, text)
    if kind == "explicit":
        return conda.explicit(text)
    raise InputError("files of this kind are not known here")
