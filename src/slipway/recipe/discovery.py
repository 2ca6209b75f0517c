"""What to look for in the workspace: `requirements` and `jobfiles`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from slipway.recipe import checks
from slipway.recipe.kinds import Field, Kind, Refused, convert, text
from slipway.recipe.model import Discovery
from slipway.recipe.records import record
from slipway.recipe.shapes import listing
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report
    from slipway.recipe.nodes import Node

# Bounds under which no expression takes longer than seconds on a file name (255 bytes): backtracking costs at most
# the length to the power of the repetitions, and doubles with every `?`.
_LENGTH = 256
_REPEATS = 4
_OPTIONAL = 8

# An escape or a class, the start and the end of a group, an alternative, a repetition, anything else.
_PART = r"(?s)\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(\(\??)|(\))|(\|)|([*+?]|\{[0-9]*,?[0-9]*\})[?+]?|."


def expression(value: str) -> str:
    """A regular expression of Python that a name can be held against without hanging."""
    if len(value) > _LENGTH:
        raise Refused(f"an expression has at most {_LENGTH} characters, this has {len(value)}")
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise Refused(f"{quote(value)} is not a regular expression: {error}") from None
    _bound(value)
    return value


def _bound(value: str) -> None:
    """Refuse what can take exponential time: a repetition of what repeats or has alternatives, and too many of them."""
    loose = [False]  # for each open group whether something in it repeats or is one of several
    ended = False  # the same for the group that ended just now
    repeats = optional = 0
    for match in re.finditer(_PART, value):
        start, end, alternative, quantifier = match.groups()
        if quantifier and quantifier != "?" and ended:
            raise Refused(f"{quote(value)} could take forever", "repeat only what does not repeat itself")
        ended = False
        if start:
            loose.append(False)
        elif end and len(loose) > 1:
            ended = loose.pop()
            loose[-1] |= ended
        elif alternative or quantifier:
            loose[-1] = True
        repeats += bool(quantifier) and quantifier != "?"
        optional += quantifier == "?"
    if repeats > _REPEATS or optional > _OPTIONAL:
        raise Refused(
            f"{quote(value)} could take forever",
            f"at most {_REPEATS} repetitions and {_OPTIONAL} optional parts; several expressions can be listed",
        )


def glob(value: str) -> str:
    parts = PurePosixPath(value).parts
    if not parts or value.startswith("/") or ".." in parts or checks.has_control(value):
        raise Refused(f"{quote(value)} is not a pattern for paths in the workspace", "for example jobs/*.py")
    if value.count("*") > _OPTIONAL or len(value) > _LENGTH:
        raise Refused(f"{quote(value)} could take forever", f"at most {_OPTIONAL} stars")
    return value


def path(value: str) -> str:
    found = PurePosixPath(value)
    if not found.parts or found.is_absolute() or ".." in found.parts or checks.has_control(value):
        raise Refused(
            f"{quote(value)} is not a path in the workspace", "relative to it, for example jobs/smoke.py"
        )
    return str(found)


_RECORD = record(
    "a mapping with the keys `match`, `glob` and `paths`",
    (
        Field(
            "match",
            listing(text("a regular expression", expression, limit=4096), "a list of regular expressions"),
            "Regular expressions; a file is found when its name, without directories, matches one from the start.",
            [r".*job.*\.py$"],
        ),
        Field(
            "glob",
            listing(text("a pattern", glob, limit=4096), "a list of patterns"),
            "Patterns for paths, at any depth.",
            ["jobs/*.py"],
        ),
        Field(
            "paths",
            listing(text("a path", path, limit=4096), "a list of paths"),
            "Paths in the workspace; one that is not there is passed over.",
            ["jobs/smoke.py"],
        ),
    ),
)


def _discovery(values: dict[str, Any], _node: Node, _report: Report) -> Discovery:
    return Discovery(**values)


DISCOVERY: Kind[Discovery] = convert(_RECORD, _discovery)
