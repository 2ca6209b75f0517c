"""Lock files of Python's tools and of npm.

Formats: uv.lock (uv's documentation: Locking), poetry.lock, pylock.toml (PyPA: pylock.toml specification), Pipfile.lock, and
package-lock.json with what npm's documentation says of it.
"""

from __future__ import annotations

import json
import tomllib
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.scan.inventory import npm
from slipway.scan.inventory.python import distribution
from slipway.scan.inventory.words import json_object, optional, word
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Loose, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where what is installed is the project itself, or comes from no index.
_OWN: Final = ("virtual", "editable")
_ELSEWHERE: Final = ("git", "vcs", "url", "archive", "directory", "path", "file", "hg", "svn")


def toml(text: str) -> Iterator[Pin | Loose]:
    """uv.lock, poetry.lock and pylock.toml: tables with `name`, `version` and where it comes from. `InputError` if it is none."""
    try:
        value = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"it is not TOML: {str(error)[:100]}") from error
    rows = value.get("package", value.get("packages"))
    if not isinstance(rows, list):
        raise InputError("it has no list of packages")
    lines = Lines(text)
    for row in rows:
        if not isinstance(row, dict):
            raise InputError("an entry of it is no package")
        name = word(row.get("name"), "name")
        line = lines.of(f'\nname = "{name}"')  # of a table, not of what it depends on
        yield from _row(name, row, line + 1 if line else 0)


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
        yield _python(name, version, line)


def pipfile(data: bytes, text: str) -> Iterator[Pin | Loose]:
    value = json_object(data)
    sections = [value.get("default", {}), value.get("develop", {})]
    if not all(isinstance(section, dict) for section in sections):
        raise InputError("its sections are no objects")
    lines = Lines(text)
    for name, row in chain.from_iterable(section.items() for section in sections):
        line = lines.of(f"{json.dumps(name)}: {{")
        version = str(row.get("version", "")) if isinstance(row, dict) else ""
        if version.startswith("==") and "*" not in version:
            yield _python(word(name, "name"), word(version.lstrip("="), "version"), line)
        else:
            yield Loose("unpinned", f"{word(name, 'name')} has no exact version", line)


def node(data: bytes, text: str) -> Iterator[Pin | Loose]:
    lines = Lines(text)
    for package in npm.locked(data).packages:
        line = lines.of(f'node_modules/{package.name}": {{') or lines.of(f"{json.dumps(package.name)}: {{")
        yield Pin("npm", package.name, package.version, line, package.direct_url)


def _python(name: str, version: str, line: int) -> Pin:
    found = distribution(name, version)
    return Pin("pypi", found.name, found.version, line)
