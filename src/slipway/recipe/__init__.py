"""What a person writes: the recipe of an image, read and checked.

`load` reads a file into a `Recipe` or raises `RecipeError` with everything that is wrong; `render_problems` makes that
readable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.recipe.loader import load
    from slipway.recipe.render import render_problems

__all__ = ["load", "render_problems"]


def __getattr__(name: str) -> Any:
    # a recipe that was read before needs neither
    if name == "load":
        from slipway.recipe.loader import load

        return load
    if name == "render_problems":
        from slipway.recipe.render import render_problems

        return render_problems
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
