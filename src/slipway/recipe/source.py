"""The text of a recipe and the places in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from slipway.errors import Problem, Where

_BREAK = r"\r\n|\n|\r"
_USER_INFO = r"(?<=://)[^/\s@]+(?=@)"
_HIDDEN_KEY = r"""(?i)(?:password|passwd|passphrase|ssh_key|token|secret)(?:["']\s*:|\s*:(?=\s|$))"""


class Source:
    """A named text. A position is an index in code points; lines and columns count from 1, as editors do.

    YAML 1.1 also breaks lines at U+0085, U+2028 and U+2029; editors do not, so the places of the YAML parser
    are not used, only its indexes.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._starts = [0, *(match.end() for match in re.finditer(_BREAK, text))]
        self._end = len(text.rstrip())
        self._lines: dict[int, str] = {}

    def where(self, index: int) -> Where:
        """The place of `index`; what lies in the blank end of the text is moved to its last character."""
        index = min(index, self._end)
        number = bisect_right(self._starts, index)
        column = index - self._starts[number - 1] + 1
        return Where(self.name, number, min(column, len(self.line(number)) + 1))

    def line(self, number: int) -> str:
        """The text of a line without its end, with passwords of URLs and values of secret keys covered."""
        if number not in self._lines:
            line = self._bare(number)
            start = self._secrets.get(number, len(line))
            self._lines[number] = cover(line[:start]) + re.sub(r"\S", "*", line[start:])
        return self._lines[number]

    def _bare(self, number: int) -> str:
        stop = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[self._starts[number - 1] : stop].rstrip("\r\n")

    @cached_property
    def _secrets(self) -> dict[int, int]:
        """By the number of a line where in it the value of a secret key begins; the text need not be YAML.

        The value goes on as long as lines are indented deeper than its key.
        """
        found: dict[int, int] = {}
        depth: int | None = None
        for number in range(1, len(self._starts) + 1):
            line = self._bare(number)
            indent = len(line) - len(line.lstrip(" "))
            if depth is not None and (indent > depth or not line.strip()):
                found[number] = 0
                continue
            depth = None
            if match := re.search(_HIDDEN_KEY, line):
                found[number] = match.end()
                depth = indent + len(line[indent:]) - len(line[indent:].lstrip("- "))
        return found

    def problem(self, index: int, message: str, hint: str = "") -> Problem:
        where = self.where(index)
        return Problem(where, message, self.line(where.line), hint)


def cover(text: str) -> str:
    """`text` with the user part of URLs replaced by as many stars: it may hold a password."""
    return re.sub(_USER_INFO, lambda match: "*" * len(match[0]), text)


def quote(text: str, limit: int = 60) -> str:
    """`text` for a message: in back quotes, on one line, printable, no passwords, not longer than `limit`."""
    text = cover(text)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return "`" + printable(text) + "`"


def printable(text: str) -> str:
    """`text` with what a terminal would act upon written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
