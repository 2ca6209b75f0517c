"""A table over many images, as text, Markdown, CSV and data."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from slipway.cli.render_history import by_level, shown
from slipway.cli.text import plural, printable
from slipway.cli.text import table as aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.cli.text import Paint
    from slipway.scan.history.rows import Row, Summary
    from slipway.scan.model import Level
    from slipway.scan.policy.model import Outcome


def table(summary: Summary, paint: Paint) -> str:
    """`+`: there may be more, since the scan is incomplete."""
    levels = _levels(summary)
    head, *rows = _cells(summary, levels)
    text = aligned(
        head, [[printable(cell) for cell in row] for row in rows], paint, right=range(2, len(levels) + 2)
    )
    lines = [*text.splitlines()]
    lines[-1] = paint(lines[-1], "bold")
    warning = paint("warning:", "yellow", "bold")
    lines += [f"{warning} {printable(text)}" for text in _warnings(summary)]
    return "\n".join([*lines, *(printable(text) for text in _notes(summary))])


def markdown(summary: Summary) -> str:
    from slipway.scan.reports.markdown import plain

    levels = _levels(summary)
    head, *rows, last = ([plain(cell) for cell in row] for row in _cells(summary, levels))
    lines = [f"| {' | '.join(head)} |", f"| --- | --- |{' ---: |' * len(levels)} --- |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines.append(f"| {' | '.join(f'**{cell}**' if cell else '' for cell in last)} |")
    told = [*(f"**Warning:** {plain(text)}" for text in _warnings(summary)), *map(plain, _notes(summary))]
    return "\n".join([*lines, *([""] if told else []), *(f"- {text}" for text in told)])


def csv(summary: Summary) -> str:
    """RFC 4180, without totals: for programs. `complete` and `stale` are true or false."""
    from csv import writer

    from slipway.scan.history.model import NONE

    levels = shown([NONE, *(row.counts for row in summary.rows)])
    out = io.StringIO()
    rows = writer(out, lineterminator="\r\n")
    names = ("digest", "platform", "scanned", "complete", "stale", "source")
    rows.writerow(("image", "base", *(str(level) for level in levels), *names))
    for row in summary.rows:
        flags = (str(flag).lower() for flag in (row.complete, row.stale))
        counts = (row.counts[level] for level in levels)
        cells = (row.image, row.base, *counts, row.digest, row.platform, row.time, *flags, row.where)
        rows.writerow([_safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue().removesuffix("\r\n")


def data(summary: Summary, outcome: Outcome | None) -> dict[str, Any]:
    found = {
        "format": 1,
        "images": [_data(row) for row in summary.rows],
        "replaced": [_data(row) for row in summary.replaced],
        "totals": by_level(summary.totals),
        "complete": summary.sure,
    }
    return found | ({"outcome": outcome} if outcome else {})


def _levels(summary: Summary) -> list[Level]:
    return shown([summary.totals])


def _cells(summary: Summary, levels: Sequence[Level]) -> list[list[str]]:
    several = len({row.platform for row in summary.rows}) > 1
    rows = [["IMAGE", "BASE", *(str(level).upper() for level in levels), ""]]
    for row in summary.rows:
        more = "" if row.complete else "+"
        marks = [
            *([] if row.complete else ["incomplete"]),
            *(["stale"] if row.stale else []),
            *([row.platform] if several and row.platform else []),
        ]
        counts = (f"{row.counts[level]}{more}" for level in levels)
        rows.append([row.image, row.base or "-", *counts, ", ".join(marks)])
    more = "" if summary.sure else "+"
    rows.append(["TOTAL", "", *(f"{summary.totals[level]}{more}" for level in levels), ""])
    return rows


def _warnings(summary: Summary) -> list[str]:
    return [
        *(f"{row.image} is incomplete: {text}" for row in summary.rows for text in row.problems),
        *(
            f"{row.image} in the store is not the image that was scanned at {row.time} ({row.where}): scan it again"
            for row in summary.rows
            if row.stale
        ),
    ]


def _notes(summary: Summary) -> list[str]:
    others = [
        f"{row.where}: {plural(count, name)} not counted"
        for row in summary.rows
        for name, count in row.others
    ]
    headers = [
        f"{row.image}: {row.headers} more in packages that hold only headers"
        for row in summary.rows
        if row.headers
    ]
    older = [f"{row.where} is not counted: there is a later scan of {row.image}" for row in summary.replaced]
    return [*headers, *others, *older]


def _data(row: Row) -> dict[str, Any]:
    return {
        "image": row.image,
        "base": row.base,
        "counts": by_level(row.counts),
        "headers": row.headers,
        "complete": row.complete,
        "stale": row.stale,
        "problems": list(row.problems),
        "digest": row.digest,
        "platform": row.platform,
        "time": row.time,
        "source": row.where,
        "others": dict(row.others),
    }


def _safe(cell: str) -> str:
    """A cell that begins like a formula is one to spreadsheets, and names come from elsewhere."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
