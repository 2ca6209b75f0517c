"""The scans of an image over time, as text and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from slipway.cli.text import columns, plural, printable, short
from slipway.cli.text import table as aligned
from slipway.scan.history.sparkline import BARS, PLAIN, sparkline
from slipway.scan.model import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.cli.text import Paint
    from slipway.scan.history.model import Entry

WORST_FIRST = tuple(sorted(Level, reverse=True))
ALWAYS = (Level.CRITICAL, Level.HIGH, Level.MEDIUM, Level.LOW)
_BESIDES = ("FIXABLE", "EXCUSED", "OUTDATED", "UNCOVERED")
MOST_BARS = 60  # of the last scans, so that a line stays a line


def table(found: Sequence[Entry], paint: Paint, width: int) -> str:
    """A line for each scan, oldest first, and how each level went. `+`: there may be more, since the scan is incomplete.

    What is told besides the levels is left out where there are not so many columns.
    """
    levels = shown([entry.numbers.open for entry in found])
    head = [
        "SCANNED (UTC)",
        "IMAGE",
        "DIGEST",
        *(str(level).upper() for level in levels),
        "TOTAL",
        *_BESIDES,
        "",
    ]
    rows = [_row(entry, levels) for entry in found]
    for name in (*reversed(_BESIDES), "DIGEST"):
        if max(map(len, columns([head, *rows]))) <= width:
            break
        place = head.index(name)
        for row in (head, *rows):
            del row[place]
    right = range(head.index(str(levels[0]).upper()), len(head) - 1)
    lines = [aligned(head, rows, paint, right=right), ""]
    recent = found[-MOST_BARS:]
    bars = paint.sign(BARS, PLAIN)
    most = max(max(entry.numbers.open) for entry in recent)
    trends = []
    for level in levels:
        values = [entry.numbers.open[level] for entry in recent]
        change = f"{values[0]} {paint.sign('→', '->')} {values[-1]}"
        trends.append((str(level), sparkline(values, bars=bars, most=most), change))
    lines += columns(trends)
    if unsure := sum(not entry.complete for entry in found):
        lines += ["", f"{plural(unsure, 'scan')} incomplete: there may be more than the numbers say"]
    return "\n".join(lines)


def shown(counts: Sequence[tuple[int, ...]]) -> list[Level]:
    """The four levels that everybody shows, and the others as soon as there is something of them."""
    return [level for level in WORST_FIRST if level in ALWAYS or any(each[level] for each in counts)]


def _row(entry: Entry, levels: Sequence[Level]) -> list[str]:
    numbers = entry.numbers
    more = "" if entry.complete else "+"
    words = [*([] if entry.complete else ["incomplete"]), *([entry.outcome] if entry.outcome else [])]
    return [
        entry.time[:16].replace("T", " "),
        printable(entry.image),
        short(entry.digest),
        *(f"{numbers.open[level]}{more}" for level in levels),
        f"{sum(numbers.open)}{more}",
        str(numbers.fixable),
        str(sum(numbers.excused)),
        str(numbers.outdated),
        str(numbers.uncovered),
        ", ".join(words),
    ]


def data(found: Sequence[Entry]) -> dict[str, Any]:
    return {"format": 1, "scans": [_data(entry) for entry in found]}


def _data(entry: Entry) -> dict[str, Any]:
    numbers = entry.numbers
    return {
        "image": entry.image,
        "digest": entry.digest,
        "platform": entry.platform,
        "time": entry.time,
        "complete": entry.complete,
        "outcome": entry.outcome,
        "open": by_level(numbers.open),
        "excused": by_level(numbers.excused),
        "fixable": numbers.fixable,
        "headers": numbers.headers,
        "outdated": numbers.outdated,
        "uncovered": numbers.uncovered,
        "feeds": [asdict(feed) for feed in entry.feeds],
    }


def by_level(counts: tuple[int, ...]) -> dict[str, int]:
    return {str(level): counts[level] for level in WORST_FIRST}
