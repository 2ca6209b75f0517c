"""What a person writes: the recipe of an image, read and checked.

`load` reads a file into a `Recipe` or raises `RecipeError` with everything that is wrong; `render_problems` makes that
readable.
"""

from __future__ import annotations

from slipway.recipe.loader import load
from slipway.recipe.render import render_problems

__all__ = ["load", "render_problems"]
