"""Times as advisories write them (RFC 3339), in the one form that is kept here: `2026-11-21T08:00:00Z`."""

from __future__ import annotations

from datetime import UTC, datetime

from slipway.errors import InputError

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def stamp(seconds: float) -> str:
    """Seconds since 1970 as text."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime(_FORM)


def normal(text: str) -> str:
    """The time in UTC without fractions of a second; one that tells no zone is taken for UTC. Empty stays empty.

    `InputError` for what is no time.
    """
    if not text or (len(text) == 20 and text[10] == "T" and text[19] == "Z" and text[:4].isdecimal()):
        return text
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).strftime(_FORM)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text[:40]!r} is not a time") from error


def seconds(text: str) -> float:
    """Seconds since 1970 of a time in that form."""
    return datetime.strptime(text, _FORM).replace(tzinfo=UTC).timestamp()
