"""Pipenv's two files (Pipenv's documentation: Pipfile & Pipfile.lock): what is asked for, and what it came to."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.scan.inventory.python import distribution
from slipway.scan.inventory.words import word
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Loose, Pin
from slipway.scan.source.pins.strict import json_object, table, toml
from slipway.scan.source.pins.wanted import told

if TYPE_CHECKING:
    from collections.abc import Iterator

# Tables that hold no packages; each other one is a category of them.
_OTHERS: Final = ("source", "requires", "pipenv", "scripts", "build-system")
_META: Final = "_meta"


def locked(text: str) -> Iterator[Pin | Loose]:
    """`Pipfile.lock`. `InputError` if it is not JSON, or of another shape."""
    value = json_object(text)
    sections = [table(value, name) for name in value if name != _META]
    lines = Lines(text)
    for name, row in chain.from_iterable(section.items() for section in sections):
        line = lines.of(f"{json.dumps(name)}: {{")
        version = str(row.get("version", "")) if isinstance(row, dict) else ""
        if version.startswith("==") and "*" not in version:
            found = distribution(word(name, "name"), word(version.lstrip("="), "version"))
            yield Pin("pypi", found.name, found.version, line)
        else:
            yield Loose("unpinned", f"{word(name, 'name')} has no exact version", line)


def asked(text: str) -> Iterator[Pin | Loose]:
    """`Pipfile`. `InputError` if it is not TOML, or of another shape."""
    top = toml(text)
    lines = Lines(text)
    return told((wanted, lines.of(name)) for name, wanted in _wanted(top))


def _wanted(top: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Names, and the requirement that each is, as far as it tells a version."""
    for category in top:
        if category in _OTHERS:
            continue
        for name, row in table(top, category).items():
            version = row.get("version", "") if isinstance(row, dict) else row
            if not isinstance(version, str):
                raise InputError(f"{category} holds more than packages")
            yield name, f"{name}{version}" if version.startswith("==") else name
