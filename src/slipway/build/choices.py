"""What a build is for: its platforms, its name and its engine, as the recipe or the caller chooses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.images.names import full_name
from slipway.recipe.checks import PLATFORMS
from slipway.recipe.model import Platform

if TYPE_CHECKING:
    from slipway.build.model import Options
    from slipway.recipe.model import Recipe


def platforms_of(recipe: Recipe) -> tuple[Platform, ...]:
    """Those that the recipe names, or this machine's."""
    return recipe.platforms or (_host_platform(),)


def name_of(recipe: Recipe, options: Options) -> str:
    """The name that the image gets, with its tag; empty for an image without one."""
    name = options.tag or recipe.tag
    return full_name(name) if name else ""


def check_engine(recipe: Recipe, options: Options) -> None:
    """`UsageError` when the engine does not build for the platforms."""
    if options.engine != "native" and len(platforms_of(recipe)) > 1:
        raise UsageError(
            f"{options.engine} builds for one platform at a time",
            hint="choose one with --platform, or build all with `--engine native`",
        )


def _host_platform() -> Platform:
    from slipway.oci.reader import this_machine

    name = this_machine()
    if name not in PLATFORMS:
        raise UsageError(f"no default platform for a {name} machine", hint="name one with `platforms:`")
    return Platform(PLATFORMS[name])
