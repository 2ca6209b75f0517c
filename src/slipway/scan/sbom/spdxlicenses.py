"""What packages say of their licences, as expressions of SPDX (SPDX 2.3: Annex D, clause 10), and back.

Few say it in SPDX's words. What is none of its expressions is kept as it is written, under a name made from its text.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NONE_SAID: Final = "NOASSERTION"
_OWN = "LicenseRef-"
_AND = pattern(r"(?i)\s+AND\s+|[()]")


def declared(texts: Sequence[str]) -> str:
    """One expression for all that a package says: each of them holds."""
    parts = [_part(text) for text in texts]
    if len(parts) == 1:
        return parts[0]
    return " AND ".join(f"({part})" if " " in part else part for part in parts) or NONE_SAID


def extracted(texts: Sequence[str]) -> dict[str, str]:
    """The names that `declared` has made up, with the texts that they stand for."""
    return {part: text for text in texts if (part := _part(text)).startswith(_OWN)}


def said(expression: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """The texts of an expression, where `names` are those that its document explains."""
    if expression in ("", "NONE", NONE_SAID):
        return ()
    return tuple(names.get(part, part) for part in _parts(expression))


def _parts(expression: str) -> Iterator[str]:
    """What stands between the outermost ANDs, without the parentheses around it."""
    depth = start = 0
    for found in _AND.finditer(expression):
        if found[0] in "()":
            depth += 1 if found[0] == "(" else -1
        elif depth == 0:
            yield _bare(expression[start : found.start()])
            start = found.end()
    yield _bare(expression[start:])


def _bare(part: str) -> str:
    part = part.strip()
    inner = part[1:-1]
    return inner.strip() if part[:1] == "(" and part[-1:] == ")" and not {"(", ")"} & set(inner) else part


@lru_cache(4096)  # a thousand packages have a dozen licences
def _part(text: str) -> str:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        found = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        found = _OWN
    # a name that only another document explains means nothing here
    return f"{_OWN}{hashlib.sha256(text.encode()).hexdigest()[:16]}" if _OWN in found else found
