"""From a file to a `Recipe`, or to everything that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import Problem, RecipeError
from slipway.recipe.keys import RECIPE
from slipway.recipe.kinds import Report
from slipway.recipe.model import Base, DebianBase, Recipe, RegistryBase
from slipway.recipe.nodes import is_null
from slipway.recipe.source import Source
from slipway.recipe.textfile import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_BASE = DebianBase(suite="stable", packages=("python3", "ca-certificates"))


def load(path: Path, text: str | None = None, environ: Mapping[str, str] | None = None) -> Recipe:
    """The recipe in the file `path`, or in `text` as if it were that file's.

    `environ` is what `%ENV{NAME}` stands for; that of this process if it is None. Raises `RecipeError` with all
    problems, in file order; `UsageError` when the file cannot be read.
    """
    from slipway.recipe.yamlnodes import parse

    if text is None:
        text = read_text(path, RecipeError)
    source = Source(str(path), text.removeprefix("\ufeff"))
    full = Path(os.path.abspath(path))  # noqa: PTH100 - a link to a recipe stands for its own directory
    problems: list[Problem] = []
    environ = os.environ if environ is None else environ
    report = Report(source, full.parent, problems, environ)
    root = parse(source, problems, environ)
    values: dict[str, Any] = {}
    if root is not None and not is_null(root):
        values = report.attempt(RECIPE, root) or {}
    if not problems:
        values = _gathered(values, report)
    if problems:
        problems.sort(key=lambda p: (p.where.file != source.name, p.where.line, p.where.column))
        raise RecipeError(problems, str(path))
    return _recipe(full, source, values)


def _gathered(values: dict[str, Any], report: Report) -> dict[str, Any]:
    """`values` with those of the snapshot and the instructions in their places; what cannot go together is reported."""
    values = dict(values)
    if snapshot := values.get("snapshot"):
        values["snapshot"] = snapshot.text
        for name in ("packages", "repositories"):
            values[name] = getattr(snapshot, name) + values.get(name, ())
    if commands := values.pop("cmds", None):
        values |= commands._asdict()
    files, trees = values.get("files", ()), values.get("repositories", ())
    if files or trees:
        from slipway.recipe.destinations import clashes

        for where, message, hint in clashes(files, trees, pip_config=bool(values.get("pip-config"))):
            line = report.sources[where.file].line(where.line)
            report.problems.append(Problem(where, message, line, hint))
    return values


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
