"""What a Python project itself asks for.

Formats: `pyproject.toml` and its dependency groups (PyPA specifications), and Poetry's tables in it (Poetry's documentation).
What is needed only to build the project is left out: it is installed nowhere.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.source.pins import requirements
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Loose, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

# Files that say what is really installed, beside the project or above it, where it is one of several.
LOCKS: Final = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "requirements.txt", "requirements.lock")
_NAME = pattern(r"[\w.-]{1,60}")
_NAMED: Final = 5  # in a message


def read(text: str) -> Iterator[Pin | Loose]:
    """What has an exact version; one `Loose` for all that has none. `InputError` if it is not TOML, or of another shape."""
    try:
        top = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"it is not TOML: {str(error)[:100]}") from error
    lines = Lines(text)
    loose: list[str] = []
    first = 0
    for wanted, written in (*_standard(top), *_poetry(top)):
        line = lines.of(written)
        entry = next(iter(requirements.read(wanted)), None)
        if isinstance(entry, Pin):
            yield replace(entry, line=line)
        else:
            found = _NAME.match(wanted)  # not the rest: an address may hold a secret
            loose.append(found[0] if found else "?")
            first = first or line
    if loose:
        more = f" and {len(loose) - _NAMED} more" if len(loose) > _NAMED else ""
        shown = ", ".join(loose[:_NAMED])
        yield Loose("unpinned", f"no exact version, and no lock file that has one: {shown}{more}", first)


def _standard(top: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Requirements, and each as it is written."""
    project = _table(top, "project")
    groups = [project.get("dependencies", [])]
    groups += _table(project, "optional-dependencies").values()
    groups += _table(top, "dependency-groups").values()
    for group in groups:
        if not isinstance(group, list):
            raise InputError("its dependencies are no lists")
        for wanted in group:
            if isinstance(wanted, str):
                yield wanted, json.dumps(wanted) if '"' not in wanted else f"'{wanted}'"
            elif not isinstance(wanted, dict):  # a group that includes another is a table
                raise InputError("its dependencies are no texts")


def _poetry(top: dict[str, Any]) -> Iterator[tuple[str, str]]:
    poetry = _table(_table(top, "tool"), "poetry")
    groups = [_table(poetry, "dependencies"), _table(poetry, "dev-dependencies")]
    groups += [_table(group, "dependencies") for group in _table(poetry, "group").values()]
    for group in groups:
        for name, wanted in group.items():
            version = wanted.get("version", "") if isinstance(wanted, dict) else wanted
            exact = isinstance(version, str) and version.startswith("==")
            if name != "python":
                yield f"{name}{version}" if exact else name, name


def _table(of: Any, name: str) -> dict[str, Any]:
    found = of.get(name, {}) if isinstance(of, dict) else None
    if not isinstance(found, dict):
        raise InputError(f"{name} is no table in it")
    return found
