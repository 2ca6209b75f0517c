"""A recipe that a Python program brings as a mapping."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import UsageError
from slipway.recipe.loader import load

if TYPE_CHECKING:
    from slipway.recipe.model import Recipe

NAME = "config"  # what errors call it


def load_mapping(config: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Recipe:
    """The recipe with the keys and values of `config`, by the rules for recipe files; relative paths are against the working directory.

    `RecipeError` shows the lines as they would stand in a file; `UsageError` names a value that could not stand in one.
    """
    import yaml

    text = yaml.safe_dump(_plain(config, NAME), sort_keys=False, allow_unicode=True, width=1 << 20)
    return load(Path(NAME), text, environ)


def _plain(value: object, name: str) -> object:
    """`value` as YAML can write it; every list and mapping a new one, for aliases would be hard to read."""
    if isinstance(value, Mapping):
        return {_key(key, name): _plain(inner, f"{name}.{key}") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{name}[{number}]") for number, inner in enumerate(value)]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, str | date):  # a kind of text; what YAML makes of 2030-01-01
        return str(value)
    raise UsageError(f"{name} is a {type(value).__name__}, which no recipe can hold")


def _key(key: object, name: str) -> object:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, int | float):
        return key
    raise UsageError(f"{name} has a key that is a {type(key).__name__}, not text")
