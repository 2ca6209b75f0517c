"""What a Python project itself asks for.

Formats: `pyproject.toml` and its dependency groups (PyPA specifications), and Poetry's tables in it (Poetry's documentation).
What is needed only to build the project is left out: it is installed nowhere.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.strict import table, toml
from slipway.scan.source.pins.wanted import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.source.pins.model import Loose, Pin


def read(text: str) -> Iterator[Pin | Loose]:
    """What has an exact version; one `Loose` for all that has none. `InputError` if it is not TOML, or of another shape."""
    top = toml(text)
    lines = Lines(text)
    return told((wanted, lines.of(written)) for wanted, written in (*_standard(top), *_poetry(top)))


def _standard(top: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Requirements, and each as it is written."""
    project = table(top, "project")
    groups = [project.get("dependencies", [])]
    groups += table(project, "optional-dependencies").values()
    groups += table(top, "dependency-groups").values()
    for group in groups:
        if not isinstance(group, list):
            raise InputError("its dependencies are no lists")
        for wanted in group:
            if isinstance(wanted, str):
                yield wanted, json.dumps(wanted) if '"' not in wanted else f"'{wanted}'"
            elif not isinstance(wanted, dict):  # a group that includes another is a table
                raise InputError("its dependencies are no texts")


def _poetry(top: dict[str, Any]) -> Iterator[tuple[str, str]]:
    poetry = table(table(top, "tool"), "poetry")
    groups = [table(poetry, "dependencies"), table(poetry, "dev-dependencies")]
    groups += [table(group, "dependencies") for group in table(poetry, "group").values()]
    for group in groups:
        for name, wanted in group.items():
            version = wanted.get("version", "") if isinstance(wanted, dict) else wanted
            exact = isinstance(version, str) and version.startswith("==")
            if name != "python":
                yield f"{name}{version}" if exact else name, name
