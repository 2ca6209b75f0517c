"""From a file to a `Recipe`, or to everything that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import RecipeError, UsageError, Where
from slipway.recipe.keys import RECIPE
from slipway.recipe.kinds import Report
from slipway.recipe.model import Base, DebianBase, Recipe, RegistryBase
from slipway.recipe.nodes import is_null
from slipway.recipe.source import Source

if TYPE_CHECKING:
    from slipway.errors import Problem

_DEFAULT_BASE = DebianBase(suite="stable", packages=("python3", "ca-certificates"))
_READ_LIMIT = 8 << 20


def load(path: Path, text: str | None = None) -> Recipe:
    """The recipe in the file `path`, or in `text` as if it were that file's.

    Raises `RecipeError` with all problems, in file order; `UsageError` when the file cannot be read.
    """
    from slipway.recipe.yamlnodes import parse

    if text is None:
        text = _read(path)
    source = Source(str(path), text.removeprefix("\ufeff"))
    full = Path(os.path.abspath(path))  # noqa: PTH100 - a link to a recipe stands for its own directory
    problems: list[Problem] = []
    root = parse(source, problems)
    values = None
    if root is not None and not is_null(root):
        values = Report(source, full.parent, problems).attempt(RECIPE, root)
    if problems:
        problems.sort(key=lambda problem: (problem.where.line, problem.where.column))
        raise RecipeError(problems, str(path))
    return _recipe(full, source, values or {})


def _read(path: Path) -> str:
    """The text of the file; more than any recipe holds is not read."""
    try:
        with path.open("rb") as file:
            data = file.read(_READ_LIMIT)
    except OSError as error:
        raise UsageError(f"cannot read the recipe: {error.strerror}", where=Where(str(path))) from error
    except ValueError as error:  # a NUL in the name
        raise UsageError(f"cannot read the recipe: {error}", where=Where(ascii(str(path)))) from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = Source(str(path), data[: error.start].decode() + "\ufffd")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        problem = before.problem(len(before.text) - 1, message, "save the file as UTF-8")
        raise RecipeError([problem], str(path)) from error


def _recipe(path: Path, source: Source, values: dict[str, Any]) -> Recipe:
    """`values` has the keys that were written; their names are those of the fields but for `-` and `_`."""
    rest = {name.replace("-", "_"): value for name, value in values.items()}
    base: Base | None = rest.pop("base", None)
    version: RegistryBase | None = rest.pop("python", None)
    if platform := rest.pop("platform", None):
        rest["platforms"] = (platform,)
    return Recipe(
        path=path, directory=path.parent, text=source.text, base=base or version or _DEFAULT_BASE, **rest
    )
