from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.errors import Problem, RecipeError
from slipway.recipe import load

if TYPE_CHECKING:
    from slipway.recipe.model import Recipe

FILE = Path("/team/image.yaml")


def read(text: str, **environ: str) -> Recipe:
    return load(FILE, text, environ)


def problems(text: str, **environ: str) -> tuple[Problem, ...]:
    with pytest.raises(RecipeError) as caught:
        load(FILE, text, environ)
    return caught.value.problems


def the_problem(text: str, **environ: str) -> Problem:
    (problem,) = problems(text, **environ)
    return problem
