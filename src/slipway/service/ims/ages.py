"""Ages as text: `1w2d3h4m`, `90 minutes`, `3 days 4 hours`."""

from __future__ import annotations

from typing import Final

from slipway.patterns import pattern

_UNITS: Final = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60}
_PART: Final = pattern(
    r"\s*([0-9]{1,9})\s*(w(?:eeks?)?|d(?:ays?)?|h(?:ours?)?|m(?:in(?:ute)?s?)?)(?=[\s0-9]|$)"
)


def microseconds(text: str) -> int:
    """Weeks, days, hours and minutes, each once at most; `ValueError` for anything else: nothing is guessed."""
    rest = text.lower().rstrip()
    total = 0
    seen: set[str] = set()
    while rest:
        found = _PART.match(rest)
        if found is None or found[2][0] in seen:
            raise ValueError(f"{text!r} is not an age")
        seen.add(found[2][0])
        total += int(found[1]) * _UNITS[found[2][0]]
        rest = rest[found.end() :]
    if not seen:
        raise ValueError(f"{text!r} is not an age")
    return total * 1_000_000
