"""The order of semantic versions (semver.org 2.0.0, section 11).

As package managers do, this takes a `v` in front and any count of numbers; those left out are zero.
"""

from __future__ import annotations

from functools import lru_cache

from slipway.patterns import pattern
from slipway.scan.versions.incomparable import IncomparableError

Identifier = tuple[int, int, str]
Key = tuple[tuple[int, ...], int, tuple[Identifier, ...]]

_VERSION = pattern(r"[vV=]?([0-9]+(?:\.[0-9]+)*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]*)?")


@lru_cache(maxsize=1 << 16)
def key(version: str) -> Key:
    """A value that sorts as the version does; build metadata does not count. `IncomparableError` for what is none."""
    found = _VERSION.fullmatch(version.strip())
    if not found:
        raise IncomparableError("semver", version)
    numbers = [int(number) for number in found[1].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    if found[2] is None:
        return tuple(numbers), 1, ()
    return tuple(numbers), 0, tuple(_identifier(text) for text in found[2].split("."))


def _identifier(text: str) -> Identifier:
    """Numbers come before words, and are ordered as numbers."""
    return (0, int(text), "") if text.isdecimal() else (1, 0, text)
