"""Documents that anybody may have written as values: JSON, TOML and YAML.

A key that is in an object twice is refused: what the one hides, the other tool installs.
"""

from __future__ import annotations

import json
import tomllib
from typing import Any, Final

from slipway.errors import InputError, LockError
from slipway.lock import yamlread

_MOST_DOTS: Final = 200


def json_object(text: str) -> dict[str, Any]:
    """`InputError` for what is no JSON object."""
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"it is not JSON: {str(error)[:100]}") from error
    if not isinstance(value, dict):
        raise InputError("it is not a JSON object")
    return value


def toml(text: str) -> dict[str, Any]:
    """`InputError` for what is no TOML."""
    # the standard library's reader takes time that grows with the square of a key's parts
    if any(line.count(".") > _MOST_DOTS and not {"'", '"'} & set(line) for line in text.splitlines()):
        raise InputError("it is not TOML: nested too deeply")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"it is not TOML: {str(error)[:100]}") from error


def yaml_mapping(text: str) -> dict[str, Any]:
    """As tools write YAML: without anchors, aliases and tags, and with few levels. `InputError` for any other."""
    try:
        return yamlread.parse(text.encode())
    except LockError as error:
        raise InputError(error.brief) from error


def table(of: Any, name: str) -> dict[str, Any]:
    """The object under a name, empty where there is none. `InputError` for anything else."""
    found = of.get(name, {}) if isinstance(of, dict) else None
    if not isinstance(found, dict):
        raise InputError(f"{name} is no table in it")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise InputError("it has a key twice in one object")
    return made
