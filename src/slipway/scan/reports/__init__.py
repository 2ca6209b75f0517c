"""What a scan found, as documents for people and programs: one module for each format, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from slipway.errors import UsageError
from slipway.scan.model import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from slipway.scan.policy.model import Judged

# Each has `render(judged) -> str`; `html` takes pictures of the past besides, and `stsci` a level.
FORMATS: Final = ("json", "yaml", "sarif", "cyclonedx", "markdown", "html", "stsci")
# The longest ending that fits counts.
_ENDINGS: Final = {
    ".cdx.json": "cyclonedx",
    ".sarif.json": "sarif",
    ".sarif": "sarif",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".txt": "table",
}


def render(
    form: str,
    judged: Sequence[Judged],
    *,
    trends: Mapping[str, str] | None = None,
    least: Level = Level.UNKNOWN,
) -> str:
    """The document in one of `FORMATS`, with a line end. `trends` are SVG pictures by the name of the image.

    `least` is the level from which on `stsci` lists findings; all other formats list all.
    `UsageError` for several images in a format that is about one.
    """
    if form == "html":
        from slipway.scan.reports import html

        return html.render(judged, trends=trends or {})
    if form == "stsci":
        from slipway.scan.reports import stsci

        return stsci.render(judged, least=least)
    module = import_module(f"slipway.scan.reports.{form}")
    text: str = module.render(judged)
    return text


def by_ending(path: Path) -> str:
    """The format of a file by its name, `table` included; `UsageError` when the ending tells nothing."""
    name = path.name.lower()
    for ending, form in _ENDINGS.items():
        if name.endswith(ending):
            return form
    raise UsageError(
        f"what {path.name!r} shall be cannot be told by its ending",
        hint=f"add --format, or use one of {', '.join(_ENDINGS)}",
    )
