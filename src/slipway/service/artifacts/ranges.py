"""One range of an object's bytes, as HTTP asks for it (RFC 9110, section 14)."""

from __future__ import annotations

from typing import Final

from slipway.patterns import pattern

_RANGE: Final = pattern(r"bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})")


class RangeError(ValueError):
    """There are no such bytes."""


def span(header: str, size: int) -> tuple[int, int] | None:
    """First byte, and the one behind the last; None to send all: no range, several, or nothing that can be understood."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or (not found[1] and not found[2]):
        return None
    if not found[1]:
        start, stop = max(0, size - int(found[2])), size
    else:
        start = int(found[1])
        stop = size if not found[2] else min(size, int(found[2]) + 1)
        if found[2] and int(found[2]) < start:
            return None
    if start >= stop:
        raise RangeError(header)
    return start, stop
