"""The packages of a scan as a table: in one line each where there is room, else in two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.cli.text import columns, printable
from slipway.scan.model import Level
from slipway.scan.reports import view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.cli.text import Paint
    from slipway.scan.reports.view import Package

STYLES: Final[dict[Level, tuple[str, ...]]] = {
    Level.CRITICAL: ("red", "bold"),
    Level.HIGH: ("red",),
    Level.MEDIUM: ("yellow",),
    Level.LOW: ("blue",),
    Level.NEGLIGIBLE: ("dim",),
    Level.UNKNOWN: ("cyan",),
}
_HEAD: Final = ("SEVERITY", "PACKAGE", "INSTALLED", "FIXED IN")
_ROOM: Final = 34  # columns for ids: with fewer they get a line of their own
_LONGEST: Final = 30  # of names of packages
_MAYBE: Final = "and maybe others"
_STYLED = r"\x1b\[[0-9;]*m"  # compiled when first used
Cells = tuple[str, str, str, str]


def package_lines(found: Sequence[Package], paint: Paint, width: int, *, everything: bool) -> list[str]:
    """Severity, package, versions, and as many ids as fit in `width` columns; with `everything` all of them."""
    longest = 2 * _LONGEST if everything else _LONGEST
    rows = [_cells(package, paint, longest) for package in found]
    ids = [_ids(package) for package in found]
    lines = columns([_HEAD, *rows])
    left = max(map(_seen, lines)) + 2
    if width - left >= _ROOM:
        told = [paint(f"{lines[0].ljust(left)}KNOWN AS", "dim")]
        for line, names in zip(lines[1:], ids, strict=True):
            first, *rest = _fitting(names, left, width, everything=everything)
            told += [f"{line}{' ' * (left - _seen(line))}{first.strip()}", *rest]
        return told
    indent = max(len(_HEAD[0]), *(_seen(row[0]) for row in rows)) + 2
    arrow = paint.sign("→", "->")
    if left - 2 > width:
        heads = [(*_HEAD[:2], f"{_HEAD[2]} {arrow} {_HEAD[3]}")]
        lines = columns([*heads, *((*row[:2], f"{row[2]} {arrow} {row[3]}") for row in rows)])
    told = [paint(lines[0], "dim")]
    for line, row, names in zip(lines[1:], rows, ids, strict=True):
        if _seen(line) <= width:
            told.append(line)
        else:
            head = (
                columns([row[:2]])[0]
                if indent == _seen(row[0]) + 2
                else f"{row[0]}{' ' * (indent - _seen(row[0]))}{row[1]}"
            )
            told += [head, f"{' ' * indent}{row[2]} {arrow} {row[3]}"]
        told += _fitting(names, indent, width, everything=everything)
    return told


def wrapped(words: Sequence[str], between: str, indent: str, width: int) -> list[str]:
    """Words in lines that fit, but for a word that is longer than a line."""
    lines: list[str] = []
    line = ""
    for word in words:
        if line and len(indent) + len(line) + len(between) + len(word) > width:
            lines.append(indent + line + between.rstrip())
            line = ""
        line = f"{line}{between}{word}" if line else word
    return [*lines, indent + line] if line else lines


def one_line(text: str) -> str:
    return " ".join(printable(text).split())


def _cells(package: Package, paint: Paint, longest: int) -> Cells:
    component = package.component
    name = one_line(component.name)
    if len(name) > longest:
        more = paint.sign("…", "...")
        name = name[: longest - len(more)] + more
    return (
        paint(str(package.level), *STYLES[package.level]),
        name,
        one_line(component.version),
        paint(one_line(view.package_fix(package)), "green" if package.fix else "dim"),
    )


def _ids(package: Package) -> list[str]:
    names = [one_line(finding.id) for finding in package.open]
    return [*names, _MAYBE] if package.lower_bound else names


def _fitting(names: list[str], indent: int, width: int, *, everything: bool) -> list[str]:
    """As many as fit into one line, and how many more there are; with everything, lines."""
    if everything:
        return wrapped(names, ", ", " " * indent, width)
    line, shown = "", 0
    for name in names:
        rest = len(names) - shown - 1
        wider = f"{line}, {name}" if line else name
        if line and indent + len(wider) + (len(f", +{rest} more") if rest else 0) > width:
            break
        line, shown = wider, shown + 1
    rest = sum(name != _MAYBE for name in names[shown:])
    return [f"{' ' * indent}{line}" + (f", +{rest} more" if rest else "")]


def _seen(text: str) -> int:
    """How many columns coloured text takes."""
    return len(re.sub(_STYLED, "", text))
