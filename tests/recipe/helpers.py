from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.errors import Problem, RecipeError
from slipway.recipe import load

if TYPE_CHECKING:
    from slipway.recipe.model import Recipe

FILE = Path("/team/image.yaml")


def read(text: str) -> Recipe:
    return load(FILE, text)


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(RecipeError) as caught:
        load(FILE, text)
    return caught.value.problems


def the_problem(text: str) -> Problem:
    (problem,) = problems(text)
    return problem
