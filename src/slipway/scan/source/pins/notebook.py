"""What notebooks install: `%pip`, `!pip`, and cells of a shell (IPython's documentation: Built-in magic commands, System shell access)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.patterns import pattern
from slipway.scan.source.notebooks import cells
from slipway.scan.source.pins import installs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.scan.source.pins.requirements import Entry

_SHELL = pattern(r"\s*%%(?:bash|sh|shell|system|sx|!|script\s+(?:\S*/)?(?:ba|da|z|k)?sh)\b.*|\s*%%!.*")
_COMMAND = pattern(
    r"\s*(?:\w+\s*=\s*)?(?:!!?|%(?:sx|system)\s+|%(?=(?:pip|uv|conda|mamba|micromamba)\s)|(?=pip\s+install\s))(.*)"
)


def read(text: str) -> Iterator[Entry]:
    """All that its cells install. `InputError` for what is no notebook."""
    for cell in cells(text):
        if not cell.code:
            continue
        rows = [row for row, _ in cell.rows]
        first = next((n for n, row in enumerate(rows) if row.strip()), 0)
        shell = bool(rows) and bool(_SHELL.fullmatch(rows[first]))
        found = installs.read("\n".join(rows[first + 1 :]), first + 2) if shell else _magics(rows)
        for entry in found:
            yield replace(entry, line=cell.rows[entry.line - 1][1])


def _magics(rows: Sequence[str]) -> Iterator[Entry]:
    """Lines that are no Python, each with those that it goes on in."""
    number = 0
    while number < len(rows):
        found = _COMMAND.fullmatch(rows[number])
        begin, number = number, number + 1
        if not found:
            continue
        while rows[number - 1].endswith("\\") and number < len(rows):
            number += 1
        yield from installs.read("\n".join((found[1], *rows[begin + 1 : number])), begin + 1)
