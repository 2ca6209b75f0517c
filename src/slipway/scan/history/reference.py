"""What a person names to be compared or counted: a saved report, a scan that was kept, or an image that is scanned now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError, UsageError
from slipway.patterns import pattern
from slipway.scan.history.files import entries
from slipway.scan.times import normal

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.scan.history.model import Entry
    from slipway.settings import Settings

FORMS: Final = "IMAGE (scanned now), IMAGE~N (N scans before the last one kept), IMAGE@TIME, or the file of a JSON report"
_BACK = pattern(r"(.+)~([0-9]{1,6})")
_DAY: Final = 10  # characters of 2026-11-21


def report(text: str) -> Path | None:
    """The file that is meant, if one is."""
    path = Path(text)
    return path if path.is_file() else None


def kept(text: str, settings: Settings, reporter: Reporter, *, platform: str = "") -> Entry | None:
    """The scan in the history that `IMAGE~N` or `IMAGE@TIME` means; None for any other text.

    `~0` is the last one, `~1` the one before. Of a day or a time, the last one up to then. `UsageError` when there is none.
    """
    if found := _BACK.fullmatch(text):
        scans = last(found[1], settings, reporter, platform=platform)
        back = int(found[2])
        if back >= len(scans):
            raise UsageError(f"of {found[1]!r} only {_count(len(scans))} kept", hint=_HINT)
        return scans[-1 - back]
    image, at, when = text.rpartition("@")
    until = _until(when) if at else ""
    if not until:
        return None
    scans = last(image, settings, reporter, platform=platform)
    before = [entry for entry in scans if entry.time <= until]
    if not before:
        raise UsageError(f"the first scan of {image!r} that is kept is of {scans[0].time}", hint=_HINT)
    return before[-1]


def last(image: str, settings: Settings, reporter: Reporter, *, platform: str = "") -> tuple[Entry, ...]:
    """All scans of an image that are kept; `UsageError` when there are none, or of several platforms."""
    scans = entries(image, settings, reporter, platform=platform)
    if not scans:
        raise UsageError(f"no scan of {image!r} is kept", hint=f"run `slipway scan {image}` first")
    platforms = sorted({entry.platform for entry in scans})
    if len(platforms) > 1:
        raise UsageError(
            f"scans of {image!r} for several platforms are kept",
            hint=f"say which with --platform: {', '.join(platforms)}",
        )
    return scans


_HINT: Final = "`slipway scan history IMAGE` lists the scans that are kept"


def since(text: str) -> str:
    """A day or a time, as RFC 3339; `UsageError` for what is neither."""
    try:
        return normal(text)
    except InputError as error:
        raise UsageError(
            f"{text!r} is not a time", hint="write 2026-11-21 or 2026-11-21T08:00:00Z"
        ) from error


def _until(text: str) -> str:
    """The end of the day, or the time; empty for what is neither (a digest)."""
    try:
        return f"{text}T23:59:59Z" if len(text) == _DAY and normal(text) else normal(text)
    except InputError:
        return ""


def _count(number: int) -> str:
    return "1 scan is" if number == 1 else f"{number} scans are"
