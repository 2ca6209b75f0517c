"""Where the characters of a YAML scalar stand in its document.

A scalar's text is its source without indentation, folded lines, quotes and escapes (YAML 1.2.2, chapters 7 and 8). All of
that is about white space and escapes, so the n-th character that is not white space is the n-th such in the source.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.recipe.nodes import Scalar

_PROPERTIES = r"(?:[&!]\S*\s+)*"  # anchor and tag
_BLOCK_HEADER = r"[|>][^\n]*\n"
_CHARACTER = {  # in group 1, if it is not white space
    '"': r"\\(?:[ \tntrvfN_LP]|\s+)|\s+|(\\x..|\\u.{4}|\\U.{8}|\\.|.)",
    "'": r"\s+|(''|.)",
    "": r"\s+|(.)",
}


class Places:
    """The places of one scalar of the document `text`."""

    def __init__(self, text: str, scalar: Scalar) -> None:
        self._text = text
        self._scalar = scalar

    def at(self, index: int) -> int:
        """The index in the document of character `index` of the scalar's value; of white space, that of what follows."""
        number = bisect_right(self._solid, self._written(index) - 1)
        return self._found[min(number, len(self._found) - 1)] if self._found else self._scalar.at

    def _written(self, index: int) -> int:
        """The index in the text before variables were put in; inside of one, that of its reference."""
        if not (done := self._scalar.substituted):
            return index
        number = bisect_right(done.pieces, (index, len(self._scalar.value) + 1, 0)) - 1
        if number < 0:
            return index
        _, stop, start_written = done.pieces[number]
        if index < stop:
            return start_written
        end = self._end_written(number)
        return end + index - stop

    def _end_written(self, number: int) -> int:
        """Where the reference of a piece ends: all between two pieces is as it was written."""
        done = self._scalar.substituted
        if done is None:
            return 0
        after = done.pieces[number + 1 :][:1]
        stop = done.pieces[number][1]
        if after:
            return after[0][2] - (after[0][0] - stop)
        return len(done.written) - (len(self._scalar.value) - stop)

    @cached_property
    def _solid(self) -> list[int]:
        """The indexes of what is not white space in the scalar, as written."""
        written = self._scalar.substituted.written if self._scalar.substituted else self._scalar.value
        return [match.start() for match in re.finditer(r"\S", written)]

    @cached_property
    def _found(self) -> list[int]:
        """Where each of these stands in the document."""
        start = self._scalar.at
        if match := re.compile(_PROPERTIES).match(self._text, start):
            start = match.end()
        quote = self._text[start : start + 1]
        if quote in ('"', "'"):
            start += 1
        elif header := re.compile(_BLOCK_HEADER).match(self._text, start):
            start, quote = header.end(), ""
        else:
            quote = ""
        characters = re.compile(_CHARACTER[quote], re.DOTALL).finditer(self._text, start)
        return list(islice((match.start() for match in characters if match[1]), len(self._solid)))
