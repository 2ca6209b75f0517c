"""Python requirements: a first check without the `packaging` library, whose import costs some 40 ms.

The resolver judges versions and markers in full; here what cannot be a requirement is refused with its place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slipway.errors import Where
from slipway.python.requirement import EXTRAS, NAME, Place, Unfit, Wanted, bare, parse, public
from slipway.recipe.kinds import Refused
from slipway.recipe.model import Requirement
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report
    from slipway.recipe.nodes import Node

_CLAUSE = r"(===|==|!=|~=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_CLAUSES = rf"{_CLAUSE}(\s*,\s*{_CLAUSE})*(\s*,)?"
_REQUIREMENT = rf"{NAME}\s*{EXTRAS}\s*({_CLAUSES}|\(\s*{_CLAUSES}\s*\))?"
_MARKER = r"""[\s(]*('[^']*'|"[^"]*"|[a-z][a-z_.]+)\s*(===|[=!~<>]=|[<>]|in\b|not\s+in\b).+"""
_NOWHERE = Where("")


def requirement(value: str, node: Node, report: Report) -> Requirement:
    """`value` without a comment in the style of requirement files; markers are looked at only roughly."""
    if "\n" in value.strip():
        raise Refused("holds several lines", "one requirement per item")
    said = bare(value)
    try:
        found = parse(said, _NOWHERE, Place("machine"), None)
    except Unfit as error:
        raise Refused(error.message, error.hint) from error
    if found is None or (isinstance(found, Wanted) and not found.target):
        named = found.said if found else ""
        if not re.fullmatch(_REQUIREMENT, named):
            raise Refused(f"{quote(public(said))} is not a requirement", _hint(named))
    marker = found.marker if isinstance(found, Wanted) else ""
    if (marker or said.endswith(";")) and not _is_marker(marker):
        raise Refused(f"{quote(marker)} is not a marker", "for example: ; python_version < '3.12'")
    return Requirement(said, report.where(node))


def _is_marker(text: str) -> bool:
    unquoted = re.sub(r"""'[^']*'|"[^"]*\"""", "", text)
    return (
        bool(re.fullmatch(_MARKER, text))
        and unquoted.count("(") == unquoted.count(")")
        and not re.search("['\"]", unquoted)
    )


def _hint(text: str) -> str:
    if found := re.fullmatch(rf"({NAME})\s*{EXTRAS}\s*=\s*([0-9][^=\s]*)", text):
        return f"an exact version has two equals signs: {found[1]}=={found[found.lastindex or 0]}"
    if re.fullmatch(rf"{NAME}(\s+{NAME})+", text):
        return "one requirement per item"
    return "for example requests, requests>=2.32 or pyats[full]==26.9"
