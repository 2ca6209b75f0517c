"""The `WWW-Authenticate` field: what a server wants to see before it answers (RFC 9110, section 11)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_ONE = pattern(
    rf"""[\s,]*(?:
        (?P<name>{_WORD})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{_WORD}))(?=[\s,]|\Z)
      | (?P<scheme>{_WORD})(?=[\s,]|\Z)
      | (?P<token68>[A-Za-z0-9\-._~+/]+=*)(?=[\s,]|\Z)
    )""",
    re.VERBOSE,
)
_MOST = 16384  # characters; servers send some hundred


@dataclass(frozen=True, slots=True)
class Challenge:
    """`scheme` and the names of parameters are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> list[Challenge]:
    """All challenges of the field, in its order; what cannot be read ends the list."""
    found: list[tuple[str, dict[str, str]]] = []
    text, position = text[:_MOST], 0
    while match := _ONE.match(text, position):
        position = match.end()
        if match["scheme"] is not None:
            found.append((match["scheme"].lower(), {}))
        elif found and match["name"] is not None:
            quoted = match["quoted"]
            value = match["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(match["name"].lower(), value)
    return [Challenge(scheme, parameters) for scheme, parameters in found]
