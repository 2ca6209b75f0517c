"""Names of images in the store, and in Docker."""

from __future__ import annotations

from slipway.errors import UsageError


def full_name(name: str) -> str:
    """`hello` is `hello:latest`; `UsageError` for what cannot name an image."""
    from slipway.recipe.checks import image_tag
    from slipway.recipe.kinds import Refused

    try:
        image_tag(name)
    except Refused as refused:
        raise UsageError(
            f"{name!r} cannot name an image",
            hint="names look like `hello:1.0` or `host.example/team/hello:1.0`, in lower case",
        ) from refused
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
