"""Jupyter notebooks: their code, and where each line of it stands in the file (nbformat's documentation: The Notebook file format, 4)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.scan.source.content import read
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.strict import json_object

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = 4
ENDING = ".ipynb"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell by its lines, each with the line of the file in which it begins (0: not found). `code` tells whether it is run."""

    code: bool
    rows: tuple[tuple[str, int], ...]


def cells(text: str) -> list[Cell]:
    """All cells in their order. `InputError` for what is no notebook of this format."""
    value = json_object(text)
    found = value.get("cells")
    if value.get("nbformat") != _FORMAT or not isinstance(found, list):
        raise InputError(f"it is no notebook of the format {_FORMAT}")
    lines = Lines(text)
    return [_cell(cell, lines) for cell in found]


def is_python(text: str) -> bool:
    """Whether its kernel runs Python, as for all that is known of those that do not say it, or cannot be read."""
    try:
        metadata = json_object(text).get("metadata")
    except InputError:
        return True
    found = metadata if isinstance(metadata, dict) else {}
    for place, name in (("language_info", "name"), ("kernelspec", "language")):
        row = found.get(place)
        said = row.get(name) if isinstance(row, dict) else None
        if isinstance(said, str) and said:
            return said.lower() in ("python", "ipython")
    return True


def _cell(cell: Any, lines: Lines) -> Cell:
    source = cell.get("source", "") if isinstance(cell, dict) else None
    items = [source] if isinstance(source, str) else source
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise InputError("a cell of it has no text")
    lines.of('"source"')
    rows: list[tuple[str, int]] = []
    for item in items:
        line = lines.of(json.dumps(item, ensure_ascii=False)) or lines.of(json.dumps(item))
        rows += [(row, line) for row in item.split("\n")]
        if item.endswith("\n"):
            rows.pop()
    return Cell(cell.get("cell_type") == "code", tuple(rows))


class Places:
    """Where lines of cells stand in their files, for tools that count them in each cell anew."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[str, list[Cell]] = {}

    def line(self, path: str, cell: int, row: int) -> int:
        """The line of the file; `cell` and `row` count from 1. 0 where that cannot be told."""
        if path not in self.known:
            try:
                self.known[path] = cells(read(self.root / path, path).text or "")
            except (OSError, InputError):
                self.known[path] = []
        found = self.known[path]
        rows = found[cell - 1].rows if 0 < cell <= len(found) else ()
        return rows[row - 1][1] if 0 < row <= len(rows) else 0
