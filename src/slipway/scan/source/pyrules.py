"""How bad the rules for Python code are: bandit says it itself, ruff has one level for all.

ruff's S rules are bandit's under the same numbers. The levels here are those that bandit gives where nothing speaks against it
(its documentation: Test Plugins, Blacklist Plugins).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from slipway.scan.source.model import Level

_ERRORS: Final = frozenset(
    (201, 202, 304, 312, 321, 324, 401, 402, 411, 412, 413, 415, 501, 502, 505, 507, 602, 605, 609, 701)
)
_NOTES: Final = frozenset(
    (101, 105, 106, 107, 110, 112, 311, 403, 404, 405, 406, 407, 408, 409, 504, 603, 606, 607)
)


def level(rule: str) -> Level:
    """Of a rule of ruff by its name, `S602`."""
    number = int(rule[1:]) if rule[1:].isdigit() else 0
    return "error" if number in _ERRORS else "note" if number in _NOTES else "warning"


def common(rule: str) -> str:
    """One name for a rule of either tool: that of bandit."""
    return f"B{rule[1:]}" if rule[:1] == "S" and rule[1:].isdigit() else rule
