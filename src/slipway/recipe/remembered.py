"""Recipes that were read before: their values, by the text that they came from.

Reading and checking a recipe takes longer than all else that an unchanged build does, so what came of it is kept in
the cache. A recipe that could hold a secret, or that depends on more than its own text, is never kept.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway import __version__
from slipway.errors import StoreError, Where
from slipway.files import read_json, write_json
from slipway.recipe import model

if TYPE_CHECKING:
    from slipway.settings import Settings

_FORMAT = 1
# words of keys that hold secrets or name other files, marks of logins in addresses, and what can hide either in YAML
_UNFIT = (
    "%ENV",
    "snapshot",
    "credentials",
    "ssh_key",
    "secret",
    "password",
    "token",
    "?",
    "@",
    "oci:",
    "\\",
)


def load(path: Path, settings: Settings) -> model.Recipe:
    """As `slipway.recipe.load`, from the cache if the same text was there before."""
    try:
        text = path.read_bytes().decode()
    except (OSError, ValueError):
        return _read(path, None)  # which tells what is wrong
    if any(word in text for word in _UNFIT):
        return _read(path, text)
    full = os.path.abspath(path)  # noqa: PTH100 - as the loader
    key = sha256(json.dumps([_FORMAT, __version__, str(path), full, text]).encode()).hexdigest()
    place = settings.cache / "recipes" / f"{key}.json"
    try:
        known = _unpacked(read_json(place))
    except (TypeError, ValueError):  # damaged, or of another release
        known = None
    if isinstance(known, model.Recipe):
        return known
    recipe = _read(path, text)
    try:
        write_json(place, _packed(recipe))
    except StoreError:  # whoever really needs the cache will say so
        return recipe
    return recipe


def _read(path: Path, text: str | None) -> model.Recipe:
    from slipway.recipe.loader import load as read

    return read(path, text)


def _packed(value: Any) -> Any:
    """`value` as JSON: tuples are lists, and all else is marked with its kind."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return [_packed(item) for item in value]
    if isinstance(value, Path):
        return {"Path": str(value)}
    names = value.__shape__.names
    return {type(value).__name__: [_packed(getattr(value, name)) for name in names]}


def _unpacked(data: Any) -> Any:
    """The value again; TypeError or ValueError when the data is not what `_packed` gives."""
    if isinstance(data, list):
        return tuple(_unpacked(item) for item in data)
    if not isinstance(data, dict):
        return data
    ((kind, content),) = data.items()
    if kind == "Path":
        return Path(content)
    made = Where if kind == "Where" else getattr(model, kind, None)
    if made is None:
        raise ValueError(kind)
    return made(*(_unpacked(item) for item in content))
