"""The format of control files (deb822(5))."""

from __future__ import annotations

import re

from slipway.patterns import pattern

_FIELD = pattern(r"^([!-9;-~]+):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)


def read_fields(stanza: str) -> dict[str, str]:
    """Fields of one stanza, names in lower case; continuation lines stay in the value."""
    return {m[1].lower(): m[2].strip() for m in _FIELD.finditer(stanza)}
