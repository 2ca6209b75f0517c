"""Words for people: sizes, times, columns and colours. Nothing here prints."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence

_STYLED = r"\x1b\[[0-9;]*m"  # compiled when first used: start-up is short of time
_SGR = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36}


def is_terminal(stream: TextIO) -> bool:
    """Whether bars and cursor movement make sense: a terminal that is not dumb and not a CI's log."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def has_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and not when `NO_COLOR` (no-color.org) is set to anything."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


class Paint:
    """Styles text for one stream; leaves it alone when the stream shall have no colour."""

    def __init__(self, stream: TextIO) -> None:
        self.on = has_colour(stream)
        self.unicode = (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"

    def __call__(self, text: str, *styles: str) -> str:
        if not self.on or not text:
            return text
        return f"\x1b[{';'.join(str(_SGR[s]) for s in styles)}m{text}\x1b[0m"

    def sign(self, fancy: str, plain: str) -> str:
        return fancy if self.unicode else plain


def size(count: int) -> str:
    """Bytes in decimal units, three digits or so: `0 B`, `999 B`, `1.2 kB`, `38.4 MB`, `512 MB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 99.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:
            return f"{value:.0f} {unit}"
    return f"{value:.0f} PB"


def seconds(value: float) -> str:
    if value < 10:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def plural(count: int, noun: str, many: str = "") -> str:
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def short(digest: str) -> str:
    """The first twelve hex digits of a digest, as everybody writes it."""
    return digest.partition(":")[2][:12] or digest[:12]


def printable(text: str) -> str:
    """`text` without control characters: what comes from archives and servers must not steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), gap: str = "  ") -> list[str]:
    """Lines with the cells of `rows` aligned; column numbers in `right` are aligned to the right."""
    count = max((len(row) for row in rows), default=0)
    widths = [max((_width(row[i]) for row in rows if i < len(row)), default=0) for i in range(count)]
    lines = []
    for row in rows:
        cells = []
        for i, cell in enumerate(row):
            padding = " " * (widths[i] - _width(cell))
            cells.append(padding + cell if i in right else cell + padding)
        lines.append(gap.join(cells).rstrip())
    return lines


def _width(cell: str) -> int:
    return len(re.sub(_STYLED, "", cell))


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], paint: Paint, *, right: Sequence[int] = ()
) -> str:
    """Aligned columns below a dim heading."""
    lines = columns([head, *rows], right=right)
    return "\n".join([paint(lines[0], "dim"), *lines[1:]])


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a line to `stream` (stderr unless told), at once."""
    stream = stream or sys.stderr
    stream.write(text + "\n")
    stream.flush()
