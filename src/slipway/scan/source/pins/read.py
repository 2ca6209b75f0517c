"""All packages that the files of a tree pin, and all that nobody can say anything about."""

from __future__ import annotations

from pathlib import PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.scan.source.model import Gap
from slipway.scan.source.pins import (
    cargo,
    conda,
    dockerfile,
    gomod,
    imagelock,
    locks,
    notebook,
    npm,
    pipenv,
    pnpm,
    project,
    requirements,
    setupcfg,
    setuppy,
    yarn,
)
from slipway.scan.source.pins.model import Include, Loose, Pin
from slipway.scan.source.pins.which import NPM_LOCKS, form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slipway.scan.source.content import Content
    from slipway.scan.source.pins.which import Form

    Read = Callable[[str], Iterable[Pin | Loose | Include]]

CHECK: Final = "dependencies"
_READERS: Final[dict[Form, Read]] = {
    "requirements": requirements.read,
    "toml": locks.toml,
    "pipfile": pipenv.asked,
    "pipfile-lock": pipenv.locked,
    "project": project.read,
    "setup.cfg": setupcfg.read,
    "setup.py": setuppy.read,
    "environment": conda.environment,
    "explicit": conda.explicit,
    "image": imagelock.read,
    "notebook": notebook.read,
    "dockerfile": dockerfile.read,
    "package.json": npm.asked,
    "npm": npm.read,
    "yarn": yarn.read,
    "pnpm": pnpm.read,
    "cargo.toml": cargo.asked,
    "cargo": cargo.read,
    "go.mod": gomod.read,
}
# Files that say what is really installed, beside what only asks for it or above it, where it is one of several.
_LOCKS: Final = (
    *("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements.txt"),
    "requirements.lock",
)
_ASKING: Final[dict[Form, tuple[str, ...]]] = {
    **dict.fromkeys(("project", "setup.cfg", "setup.py"), _LOCKS),
    "pipfile": ("Pipfile.lock",),
    "package.json": (*NPM_LOCKS, "bun.lock", "bun.lockb"),
    "cargo.toml": ("Cargo.lock",),
}


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

    def _take(self, content: Content, kind: Form) -> None:
        if content.path in self.files:
            return
        self.files.add(content.path)
        text = content.text
        try:
            if text is None or not content.encoded:
                raise InputError("it is not UTF-8")
            if kind not in _READERS:
                raise InputError("files of this kind are not known here")
            locked = self._locked(content, kind)
            for entry in _READERS[kind](text):
                if not (locked and isinstance(entry, Loose) and entry.rule == "unpinned"):
                    self._entry(content, entry)
        except InputError as error:
            self.gaps.append(Gap(CHECK, "unread", f"it cannot be read: {error.brief}", content.path))

    def _locked(self, content: Content, kind: Form) -> bool:
        """Whether a file tells what is installed of the project: then what it asks for may be open."""
        places = PurePosixPath(content.path).parents
        names = _ASKING.get(kind, ())
        return any(self.open_file((place / name).as_posix()) for place in places for name in names)

    def _entry(self, content: Content, entry: Pin | Loose | Include) -> None:
        if isinstance(entry, Pin):
            self.found.append((content.path, entry))
        elif isinstance(entry, Loose):
            self.gaps.append(Gap(CHECK, entry.rule, entry.why, content.path, entry.line))
        else:
            self._include(content, entry)

    def _include(self, content: Content, entry: Include) -> None:
        places = PurePosixPath(content.path).parents
        for place in places if entry.above else places[:1]:
            path = normpath(place / entry.name)
            if path in self.files:
                return
            if (
                "://" not in entry.name
                and not path.startswith(("../", "/"))
                and (other := self.open_file(path))
            ):
                self._take(other, "requirements")
                return
        why = "it names another file that is not in the tree"
        self.gaps.append(Gap(CHECK, "unread", why, content.path, entry.line))
