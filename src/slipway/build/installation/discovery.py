"""Which files of a workspace a recipe means: by their names, by glob patterns, by their paths. Pure."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.recipe.model import Discovery

JOB_NAMES = (r".*job.*\.py$",)  # what a job file is called, unless the recipe says it


def found(paths: Iterable[str], rules: Discovery) -> list[str]:
    """Those of `paths` (relative to the workspace) that fulfil a rule, sorted.

    `match` is looked for at the start of the last part of a path; `glob` fits at any depth, its `**` stands for any number of directories.
    """
    names = [re.compile(expression) for expression in rules.match]
    patterns = [[part for part in text.split("/") if part not in ("", ".")] for text in rules.glob]
    exact = {posixpath.normpath(path) for path in rules.paths}
    return sorted(
        path
        for path in paths
        if path in exact
        or any(name.match(path.rpartition("/")[2]) for name in names)
        or any(_fits(path.split("/"), ["**", *pattern]) for pattern in patterns)
    )


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return _fits(parts, pattern[1:]) or (bool(parts) and _fits(parts[1:], pattern))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])
