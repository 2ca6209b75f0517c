"""How the findings of an image went over time, as a picture: SVG 1.1, without scripts, for itself or inside a page.

What is open is stacked by level, the worst at the bottom, and holds from one scan until the next. It follows the reader's
choice of light or dark, says in words what it shows, and tells the numbers of each scan when it is pointed at.
"""

from __future__ import annotations

import hashlib
from html import escape
from typing import TYPE_CHECKING, Final

from slipway.scan.imagename import full, repository
from slipway.scan.model import Level
from slipway.scan.times import seconds, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.scan.history.model import Entry

_WIDTH, _HEIGHT = 760, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 744, 56, 244  # of the area with the data
_TAIL: Final = 28  # how far the last scan goes on, where there are others
_SHOWN: Final = tuple(reversed(Level))
_TICKS: Final = 5
_DAY: Final = 86400
_LIGHT: Final = {
    Level.CRITICAL: "#8f1239",
    Level.HIGH: "#dc4a1f",
    Level.MEDIUM: "#f0a92b",
    Level.LOW: "#5b9bd1",
    Level.NEGLIGIBLE: "#b3c2cf",
    Level.UNKNOWN: "#8b8f98",
}
_DARK: Final = {
    Level.CRITICAL: "#e0457b",
    Level.HIGH: "#f4763f",
    Level.MEDIUM: "#f6c453",
    Level.LOW: "#5d9fd6",
    Level.NEGLIGIBLE: "#64788a",
    Level.UNKNOWN: "#9aa0aa",
}
_THEMES: Final = (("#ffffff", "#1f2733", "#d5dbe2", _LIGHT), ("#12171e", "#dfe5ec", "#333c48", _DARK))


def svg(history: Sequence[Entry]) -> str:
    """The picture of scans, oldest first. It depends on them alone; of no scans it says so."""
    key = (
        "trend-"
        + hashlib.sha256(repr([(e.time, e.image, e.numbers.open) for e in history]).encode()).hexdigest()[:8]
    )
    head, body = (
        _described(history),
        [*_axes(history), *_areas(history), *_legend(history), *_scans(history, key)],
    )
    return "\n".join(
        (
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
                f' class="{key}" role="img" aria-labelledby="{key}-title {key}-text" style="max-width:100%;height:auto">'
            ),
            f'<title id="{key}-title">{_text(head[0])}</title>',
            f'<desc id="{key}-text">{_text(head[1])}</desc>',
            f"<style>{_style(key)}</style>",
            (
                f'<defs><pattern id="{key}-unsure" width="6" height="6" patternUnits="userSpaceOnUse"'
                ' patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>'
            ),
            f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}"/>',
            f'<text class="head" x="{_LEFT - 36}" y="22">{_text(head[0])}</text>',
            *body,
            "</svg>",
            "",
        )
    )


def _described(history: Sequence[Entry]) -> tuple[str, str]:
    """A title and the same in words."""
    if not history:
        return "Open findings", "No scan is kept."
    first, last = history[0], history[-1]
    days = f"{first.time[:10]} to {last.time[:10]}" if len(history) > 1 else f"on {last.time[:10]}"
    words = [
        f"{level} {first.numbers.open[level]} → {last.numbers.open[level]}"
        if len(history) > 1
        else f"{level} {last.numbers.open[level]}"
        for level in _levels(history)
    ]
    scans = "1 scan" if len(history) == 1 else f"{len(history)} scans"
    unsure = sum(not entry.complete for entry in history)
    more = f" {unsure} of them incomplete: there may be more." if unsure else ""
    images = {full(entry.image) for entry in history}
    name = last.image if len(images) == 1 else repository(last.image)
    return f"Open findings of {name}, {days}", f"{scans}. {', '.join(words) or 'nothing open'}.{more}"


def _levels(history: Sequence[Entry]) -> list[Level]:
    return [level for level in _SHOWN if any(entry.numbers.open[level] for entry in history)]


def _xs(history: Sequence[Entry]) -> list[tuple[float, float]]:
    """From where to where each scan reaches."""
    times = [seconds(entry.time) for entry in history]
    span = times[-1] - times[0]
    starts = [
        _LEFT + (t - times[0]) / span * (_RIGHT - _TAIL - _LEFT) if span else float(_LEFT) for t in times
    ]
    return list(zip(starts, [*starts[1:], float(_RIGHT)], strict=True))


def _scale(history: Sequence[Entry]) -> tuple[int, int]:
    """The top of the axis, and its step: a 1, 2 or 5 with noughts."""
    most = max((sum(entry.numbers.open) for entry in history), default=0)
    step = next(
        step for size in range(19) for digit in (1, 2, 5) if (step := digit * 10**size) * _TICKS >= most
    )
    return max(-(-most // step), 1) * step, step


def _y(value: float, top: int) -> float:
    return _BOTTOM - value / top * (_BOTTOM - _TOP)


def _axes(history: Sequence[Entry]) -> Iterator[str]:
    top, step = _scale(history)
    for value in range(0, top + 1, step):
        y = _y(value, top)
        yield f'<line class="line" x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    if not history:
        yield f'<text x="{(_LEFT + _RIGHT) / 2}" y="{(_TOP + _BOTTOM) / 2}" text-anchor="middle">no scan is kept</text>'
        return
    first, last = seconds(history[0].time), seconds(history[-1].time)
    count = _TICKS if last > first else 1
    for number in range(count):
        share = number / (count - 1) if count > 1 else 0.0
        x = _LEFT + share * (_RIGHT - _TAIL - _LEFT)
        when = stamp(first + share * (last - first))
        shown = when[:10] if last - first >= 2 * _DAY or count == 1 else f"{when[5:10]} {when[11:16]}"
        anchor = "start" if not number else "end" if number == count - 1 else "middle"
        yield f'<line class="line" x1="{x:.1f}" y1="{_BOTTOM}" x2="{x:.1f}" y2="{_BOTTOM + 5}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{_BOTTOM + 19}" text-anchor="{anchor}">{shown}</text>'


def _areas(history: Sequence[Entry]) -> Iterator[str]:
    if not history:
        return
    top, _ = _scale(history)
    below = [0] * len(history)
    for level in _levels(history):
        above = [under + entry.numbers.open[level] for under, entry in zip(below, history, strict=True)]
        upper = [(x, value) for (a, b), value in zip(_xs(history), above, strict=True) for x in (a, b)]
        lower = [(x, value) for (a, b), value in zip(_xs(history), below, strict=True) for x in (a, b)]
        points = " ".join(f"{x:.1f},{_y(value, top):.1f}" for x, value in (*upper, *reversed(lower)))
        yield f'<polygon class="{level}" points="{points}"/>'
        below = above


def _scans(history: Sequence[Entry], key: str) -> Iterator[str]:
    """What is told of each scan; those that may have missed something are hatched."""
    for entry, (a, b) in zip(history, _xs(history) if history else (), strict=True):
        numbers = [f"{level} {entry.numbers.open[level]}" for level in _SHOWN if entry.numbers.open[level]]
        state = "" if entry.complete else ", incomplete"
        words = f"{entry.time[:16].replace('T', ' ')} {entry.image}: {', '.join(numbers) or 'nothing open'}{state}"
        fill = "none" if entry.complete else f"url(#{key}-unsure)"
        yield (
            f'<rect class="scan" x="{a:.1f}" y="{_TOP}" width="{max(b - a, 0.5):.1f}" height="{_BOTTOM - _TOP}"'
            f' fill="{fill}"><title>{_text(words)}</title></rect>'
        )


def _legend(history: Sequence[Entry]) -> Iterator[str]:
    x = float(_LEFT)
    unsure = ["incomplete"] if any(not entry.complete for entry in history) else []
    for name in [*(str(level) for level in _levels(history)), *unsure]:
        box = "unsure" if name == "incomplete" else name
        yield f'<rect class="{box} box" x="{x:.0f}" y="34" width="11" height="11"/>'
        yield f'<text class="tick" x="{x + 16:.0f}" y="44">{name}</text>'
        x += 38 + 7 * len(name)


def _style(key: str) -> str:
    rules = [
        f".{key} text{{font:13px system-ui,sans-serif}}",
        f".{key} .head{{font-weight:600;font-size:15px}}",
        f".{key} .tick{{font-size:12px}}",
        f".{key} .scan{{pointer-events:all}}",
        f".{key} .unsure{{fill:url(#{key}-unsure)}}",
    ]
    for place, (paper, ink, line, colours) in enumerate(_THEMES):
        theme = [
            f".{key} .paper{{fill:{paper}}}",
            f".{key} text{{fill:{ink}}}",
            f".{key} .line{{stroke:{line}}}",
            f".{key} .hatch{{stroke:{ink};stroke-width:1.5;stroke-opacity:.45}}",
            f".{key} polygon,.{key} .box{{stroke:{paper};stroke-width:.75}}",
            f".{key} .box.unsure{{stroke:{ink}}}",
            *(f".{key} .{level}{{fill:{colour}}}" for level, colour in colours.items()),
        ]
        rules += theme if not place else [f"@media(prefers-color-scheme:dark){{{''.join(theme)}}}"]
    return "".join(rules)


def _text(text: str) -> str:
    """Names come from elsewhere; XML knows no control characters."""
    return escape("".join(c if c.isprintable() else "�" for c in text))
