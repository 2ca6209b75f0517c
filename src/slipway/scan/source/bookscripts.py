"""Notebooks as Python files, for tools that read only those (IPython's documentation: Built-in magic commands, System shell access)."""

from __future__ import annotations

import ast
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.source import notebooks
from slipway.scan.source.content import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Cells below these are Python still; below any other they are something else.
_TIMED: Final = frozenset(
    ("capture", "debug", "ipytest", "prun", "pypy", "python", "python3", "time", "timeit")
)
_CELL = pattern(r"\s*%%([\w!]*).*")
_MAGIC = pattern(r"(\s*)(?:[%!?].*|.*\?\s*|(?:pip|conda|mamba)\s+\w+.*)")
_ASSIGNED = pattern(r"(\s*[\w.,\s()\[\]]+=\s*)[%!].*")


@dataclass(frozen=True, slots=True)
class Script:
    """What a notebook's cells came to: by line of the script the line of the notebook (0: not found)."""

    path: str
    lines: tuple[int, ...]

    def line(self, number: int) -> int:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else 0


@dataclass(frozen=True, slots=True)
class Scripts:
    """`scripts` by their names in `directory`; `unread` are notebooks, or a cell of one by its line, that are no Python, and why."""

    directory: Path
    scripts: dict[str, Script] = field(default_factory=dict)
    unread: list[tuple[str, int, str]] = field(default_factory=list)


@contextmanager
def scripts_of(files: Sequence[str], root: Path) -> Iterator[Scripts]:
    """Those of `files` below `root`, for the time of the block."""
    with TemporaryDirectory(prefix="slipway-") as name:
        made = Scripts(Path(name))
        for number, path in enumerate(files):
            try:
                text = read(root / path, path).text or ""
                rows = list(_rows(path, notebooks.cells(text), made))
            except InputError as error:
                made.unread.append((path, 0, error.brief))
                continue
            script = f"{number}.py"
            (made.directory / script).write_text("".join(f"{row}\n" for row, _ in rows), "utf-8")
            made.scripts[script] = Script(path, tuple(line for _, line in rows))
        yield made


def _rows(path: str, cells: Sequence[notebooks.Cell], made: Scripts) -> Iterator[tuple[str, int]]:
    for cell in cells:
        if not cell.code:
            continue
        given = [row for row, _ in cell.rows]
        rows = given if _parses(given) else _without_magics(given)
        if _parses(rows):
            yield from zip(rows, (line for _, line in cell.rows), strict=True)
        else:
            first = next((line for _, line in cell.rows), 0)
            made.unread.append((path, first, "a cell of it is no Python that can be read here"))


def _without_magics(rows: Sequence[str]) -> list[str]:
    """As many lines, with nothing in the place of what is for IPython and not for Python."""
    first = next((n for n, row in enumerate(rows) if row.strip()), 0)
    cell = _CELL.fullmatch(rows[first]) if rows else None
    if cell and cell[1] not in _TIMED:
        return [""] * len(rows)
    found = ["" if cell and n == first else row for n, row in enumerate(rows)]
    goes_on = False
    for number, row in enumerate(found):
        magic, assigned = _MAGIC.fullmatch(row), _ASSIGNED.fullmatch(row)
        if goes_on:
            found[number] = ""
        elif assigned:
            found[number] = f"{assigned[1]}None"
        elif magic:
            found[number] = f"{magic[1]}pass"
        goes_on = (goes_on or bool(magic or assigned)) and row.endswith("\\")
    return found


def _parses(rows: Sequence[str]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler thinks of its escapes
            ast.parse("\n".join(rows))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
