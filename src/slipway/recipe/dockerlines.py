"""Dockerfile text as instructions on one line each (Docker's Dockerfile reference: "Format", "Here-documents").

A backslash at the end of a line goes on with the next one; lines that begin with `#` are comments, also between two
such lines. In RUN, COPY and ADD the word `<<NAME` says that the lines after this one, up to NAME, belong to it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from slipway.recipe.dockerwords import words
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONTINUED = r"(?<!\\)\\[ \t]*$"
_HERE = r"""[0-9]*<<(-?)(?:"([^"<>\s]+)"|'([^'<>\s]+)'|([^\s"'<>\\]+))"""
_WITH_DOCUMENTS = ("RUN", "COPY", "ADD")


class Document(NamedTuple):
    """A here-document: its word is at `at` of the line; `text` has its lines, each with its end."""

    at: int
    name: str
    tabs: bool
    text: str

    @property
    def bare(self) -> str:
        """The text as `<<-` has it: without tabs before its lines."""
        return re.sub(r"(?m)^\t+", "", self.text) if self.tabs else self.text


class Line(NamedTuple):
    """One instruction; `pieces` tell where in the whole text its parts begin: (index in the line, index there)."""

    text: str
    pieces: tuple[tuple[int, int], ...]
    documents: tuple[Document, ...] = ()

    def place(self, index: int) -> int:
        """The index in the whole text of character `index` of the line."""
        own, there = self.pieces[bisect_right(self.pieces, (index, 1 << 62)) - 1]
        return there + index - own


def lines(text: str, refuse: Callable[[int, str, str], None]) -> Iterator[Line]:
    """The instructions of `text`. `refuse` is told the index, what is wrong, and what to do instead."""
    rows: list[tuple[int, str]] = []
    end = 0
    for row in text.split("\n"):
        rows.append((end, row))
        end += len(row) + 1
    number = 0
    while number < len(rows):
        if _is_passed_over(rows[number][1]):
            number += 1
            continue
        line, number = _joined(rows, number)
        if line.text:
            documents, number = _documents(line, rows, number, refuse)
            yield line._replace(documents=documents)


def _joined(rows: list[tuple[int, str]], number: int) -> tuple[Line, int]:
    """The line that begins with row `number`, and the number of the row after it."""
    text = ""
    pieces: list[tuple[int, int]] = []
    more = True
    while more and number < len(rows):
        at, row = rows[number]
        number += 1
        if pieces and _is_passed_over(row):
            continue
        start = 0 if text else len(row) - len(row.lstrip())
        end = re.search(_CONTINUED, row)
        pieces.append((len(text), at + start))
        text += row[start : end.start() if end else None]
        more = end is not None
    return Line(text.rstrip(), tuple(pieces)), number


def _is_passed_over(row: str) -> bool:
    return not row.strip() or row.lstrip().startswith("#")


def _documents(
    line: Line, rows: list[tuple[int, str]], number: int, refuse: Callable[[int, str, str], None]
) -> tuple[tuple[Document, ...], int]:
    """The here-documents of a line, whose first row would be `number`, and the number of the row after them."""
    if "<<" not in line.text or line.text.split(maxsplit=1)[0].upper() not in _WITH_DOCUMENTS:
        return (), number
    found = []
    for word in words(line.text):
        if not (here := re.fullmatch(_HERE, word[0])):
            continue
        name = here[2] or here[3] or here[4]
        body: list[str] = []
        while number < len(rows) and not _is_end(rows[number][1], name, tabs=bool(here[1])):
            body.append(rows[number][1] + "\n")
            number += 1
        if number == len(rows):
            refuse(
                line.place(word.start()),
                f"the here-document {quote(name)} has no end",
                f"a line with {name} alone",
            )
        number += 1
        found.append(Document(word.start(), name, bool(here[1]), "".join(body)))
    return tuple(found), number


def _is_end(row: str, name: str, *, tabs: bool) -> bool:
    return (row.lstrip("\t") if tabs else row) == name
