"""Python requirements: a first check without the `packaging` library, whose import costs some 40 ms.

The resolver judges versions and markers in full; here what cannot be a requirement is refused with its place, and
what pip would take but this release does not (PEP 508 direct references, paths, options of requirement files).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slipway.recipe.kinds import Refused
from slipway.recipe.model import Requirement
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report
    from slipway.recipe.nodes import Node

_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
_EXTRAS = rf"(\[\s*({_NAME}(\s*,\s*{_NAME})*)?\s*\])?"
_CLAUSE = r"(===|==|!=|~=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_CLAUSES = rf"{_CLAUSE}(\s*,\s*{_CLAUSE})*(\s*,)?"
_REQUIREMENT = rf"{_NAME}\s*{_EXTRAS}\s*({_CLAUSES}|\(\s*{_CLAUSES}\s*\))?"
_MARKER = r"""[\s(]*('[^']*'|"[^"]*"|[a-z][a-z_.]+)\s*(===|[=!~<>]=|[<>]|in\b|not\s+in\b).+"""
_COMMENT = r"(^|\s)#.*$"
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2")

_LATER = (
    (r"-e\b.*|--editable\b.*", "editable installs are"),
    (r"-.*", "options of pip are"),
    (r".*\$(WORKSPACE\b|\{).*", "packages from files of the image are"),
    (r"(git|hg|svn|bzr)(\+[a-z]+)?:.*|.*@\s*(git|hg|svn|bzr)\+.*", "packages from version control are"),
    (rf"[a-z]+://.*|{_NAME}\s*(\[[^\]]*\])?\s*@.*", "packages from a URL are"),
    (r"[./~\\].*|[^;]*[/\\].*|.*\.(whl|zip|tar\.gz|tar\.bz2)", "packages from a path are"),
    (r".*\s--.*", "options of pip are"),
)


def requirement(value: str, node: Node, report: Report) -> Requirement:
    """`value` without a comment in the style of requirement files; markers are looked at only roughly."""
    if "\n" in value.strip():
        raise Refused("holds several lines", "one requirement per item")
    said = re.sub(_COMMENT, "", value).strip() if "#" in value else value.strip()
    named, semicolon, marker = said.partition(";")
    if said.endswith(_ARCHIVES) or not re.fullmatch(_REQUIREMENT, named.strip()):
        for pattern, what in _LATER:
            if re.fullmatch(pattern, said):
                raise Refused(f"{quote(said)}: {what} not supported by this release yet")
        raise Refused(f"{quote(said)} is not a requirement", _hint(named.strip()))
    if semicolon and not _is_marker(marker.strip()):
        raise Refused(f"{quote(marker.strip())} is not a marker", "for example: ; python_version < '3.12'")
    return Requirement(said, report.where(node))


def _is_marker(text: str) -> bool:
    bare = re.sub(r"""'[^']*'|"[^"]*\"""", "", text)
    return (
        bool(re.fullmatch(_MARKER, text))
        and bare.count("(") == bare.count(")")
        and not re.search("['\"]", bare)
    )


def _hint(text: str) -> str:
    if found := re.fullmatch(rf"({_NAME})\s*{_EXTRAS}\s*=\s*([0-9][^=\s]*)", text):
        return f"an exact version has two equals signs: {found[1]}=={found[found.lastindex or 0]}"
    if re.fullmatch(rf"{_NAME}(\s+{_NAME})+", text):
        return "one requirement per item"
    return "for example requests, requests>=2.32 or pyats[full]==26.9"
