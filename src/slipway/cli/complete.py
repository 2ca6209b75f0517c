"""What a shell may put in for an argument. Never fails: a shell cannot show why."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from slipway.cli.face import Face
from slipway.errors import SlipwayError

if TYPE_CHECKING:
    import click


def image_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """The names of stored images; digests once hex digits have been typed."""
    with suppress(SlipwayError, OSError, ValueError):
        images = ctx.find_root().ensure_object(Face).store().images()
        names = sorted({i.name for i in images if i.name.startswith(incomplete) and i.name})
        if names or not incomplete:
            return names
        hexes = {i.digest.removeprefix("sha256:")[:12] for i in images}
        return sorted(h for h in hexes if h.startswith(incomplete))
    return []
