"""The order of Python versions (PyPA specifications: version specifiers, "Summary of permitted suffixes and relative ordering").

Nearly all are numbers with dots; only for the others is `packaging` worth its import.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from slipway.patterns import pattern
from slipway.scan.versions.incomparable import IncomparableError

if TYPE_CHECKING:
    from packaging.version import Version

_PLAIN = pattern(r"[0-9]+(?:\.[0-9]+)*")


def compare(a: str, b: str) -> int:
    first, second = _plain(a), _plain(b)
    if first is not None and second is not None:
        return int(first > second) - int(first < second)
    one, other = _parsed(a), _parsed(b)
    return int(one > other) - int(one < other)


@lru_cache(maxsize=1 << 16)
def _plain(version: str) -> tuple[int, ...] | None:
    """The numbers of a final release without the zeros at its end, which do not count; None for any other version."""
    if not _PLAIN.fullmatch(version):
        return None
    numbers = [int(number) for number in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


@lru_cache(maxsize=1 << 16)
def _parsed(version: str) -> Version:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version)
    except InvalidVersion as error:
        raise IncomparableError("pep440", version) from error
