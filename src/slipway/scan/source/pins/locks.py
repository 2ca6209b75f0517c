"""Lock files of Python's tools.

Formats: uv.lock (uv's documentation: Locking), poetry.lock, pdm.lock, and pylock.toml (PyPA: pylock.toml specification).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.scan.inventory.python import distribution
from slipway.scan.inventory.words import optional, word
from slipway.scan.source.pins import strict
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Loose, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where what is installed is the project itself, or comes from no index.
_OWN: Final = ("virtual", "editable")
_ELSEWHERE: Final = ("git", "vcs", "url", "archive", "directory", "path", "file", "hg", "svn")


def toml(text: str) -> Iterator[Pin | Loose]:
    """Tables with `name`, `version` and where it comes from. `InputError` if there are none."""
    lines = Lines(text)
    for row in packages(text):
        name = word(row.get("name"), "name")
        line = lines.of(f'\nname = "{name}"')  # of a table, not of what it depends on
        yield from _row(name, row, line + 1 if line else 0)


def packages(text: str) -> list[dict[str, Any]]:
    """The tables of a lock file in TOML; Cargo's has the same. `InputError` for another shape."""
    value = strict.toml(text)
    rows = value.get("package", value.get("packages"))
    if not isinstance(rows, list):
        raise InputError("it has no list of packages")
    if not all(isinstance(row, dict) for row in rows):
        raise InputError("an entry of it is no package")
    return rows


def _row(name: str, row: dict[str, Any], line: int) -> Iterator[Pin | Loose]:
    source = row.get("source")
    kinds = {**row, **source, source.get("type", ""): True} if isinstance(source, dict) else row
    if any(kind in kinds for kind in _OWN):
        return
    version = optional(row.get("version"), "version")
    if any(kind in kinds for kind in _ELSEWHERE):
        yield Loose("unpinned", f"{name} is not from an index", line)
    elif not version:
        yield Loose("unpinned", f"{name} has no version", line)
    else:
        found = distribution(name, version)
        yield Pin("pypi", found.name, found.version, line)
