"""Which packages have no security support, and when that of a release ends.

Debian tells the first in the lists of debian-security-support (its files say their format), both distributions the second
in distro-info-data (`debian.csv`, `ubuntu.csv`).
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# When the public archive gets no more security updates; what is sold after that is not in it.
_ENDS: Final = ("eol", "eol-lts", "eol-server")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Unsupported(NamedTuple):
    """Sources whose names match `pattern` (a regular expression); `since` is a day, or empty where support is only limited."""

    pattern: str
    since: str
    why: str

    def means(self, source: str) -> bool:
        return _compiled(self.pattern).fullmatch(source) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error:
        return re.compile(re.escape(pattern))  # as g++ would be


def ended(text: str) -> Iterator[Unsupported]:
    """`SOURCE LAST-VERSION DAY [WHY]`, a line each."""
    for line in _lines(text):
        words = line.split(None, 3)
        if len(words) >= 3 and _DATE.fullmatch(words[2]):
            yield Unsupported(words[0], words[2], words[3] if len(words) > 3 else "")


def limited(text: str) -> Iterator[Unsupported]:
    """`SOURCE [WHY]`, a line each."""
    for line in _lines(text):
        name, _, why = line.partition(" ")
        yield Unsupported(name, "", why.strip())


def end_of_release(table: str, codename: str) -> str:
    """The last day on which the release gets security updates; empty when that is not known (yet)."""
    for row in csv.DictReader(table.splitlines()):
        if row.get("series") == codename:
            days = [row.get(column) or "" for column in _ENDS]
            return max((day for day in days if _DATE.fullmatch(day)), default="")
    return ""


def _lines(text: str) -> Iterator[str]:
    for line in text.expandtabs().splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()
