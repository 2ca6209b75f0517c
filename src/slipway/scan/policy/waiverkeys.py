"""The keys of a waiver, each declared here once."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from slipway.recipe import checks
from slipway.recipe.kinds import Field, Refused, convert, text
from slipway.recipe.records import record
from slipway.recipe.shapes import listing
from slipway.recipe.source import quote
from slipway.scan.imagename import untagged
from slipway.scan.policy.model import Waiver

if TYPE_CHECKING:
    from slipway.errors import Where
    from slipway.recipe.kinds import Report
    from slipway.recipe.nodes import Node

# What a waiver can be of that has no id.
RULES: Final = ("outdated", "uncovered", "no-support")
_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


class Given(NamedTuple):
    """A waiver and its place in its file."""

    waiver: Waiver
    where: Where


def _day(value: str) -> str:
    checks.match(_DAY, value, "a day", "write YYYY-MM-DD")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise Refused(f"there is no day {quote(value)}", "write YYYY-MM-DD") from None


def _said(value: str) -> str:
    """On one line; it must say something."""
    if not value.split():
        raise Refused("says nothing", "who looks at the waiver later has to understand it")
    return " ".join(value.split())


def _name(value: str) -> str:
    if not value or any(c.isspace() for c in value):
        raise Refused(f"{quote(value)} is not a name")
    return value


def _image(value: str) -> str:
    found = untagged(_name(value))
    if found != value:
        raise Refused(f"{quote(value)} has a tag or a digest", f"write {quote(found)}: a waiver is for any")
    return value


DAY: Final = text("a day", _day, pattern=_DAY)
SAID: Final = text("a text that is not empty", _said, limit=4096)

_WAIVER: Final = record(
    "a mapping that describes a waiver",
    (
        Field(
            "id",
            text("the id of a weakness", _name),
            "What is accepted: any of its names. Or `outdated`, `uncovered` or `no-support`, for the package that is named beside "
            "it.",
            "CVE-2024-34064",
            required=True,
        ),
        Field(
            "package",
            text("the name of a package", _name),
            "Only in this package, or what is built from this source package.",
            "jinja2",
            "any",
        ),
        Field(
            "image",
            text("the name of an image", _image),
            "Only in this image: its name without tag.",
            "registry.example.org/team/tests",
            "any",
        ),
        Field("reason", SAID, "Why it can be accepted.", "nobody can reach it", required=True),
        Field("owner", SAID, "Who answers for it.", "security@example.org", required=True),
        Field("since", DAY, "The first day on which it holds.", "2026-10-01", "any day"),
        Field("expires", DAY, "The last day on which it holds.", "2026-12-31", required=True),
    ),
)


def _waiver(values: dict[str, Any], node: Node, report: Report) -> Given:
    where = report.where(node)
    waiver = Waiver(**values, where=f"{where.file}:{where.line}")
    if waiver.id in RULES and not waiver.package:
        raise Refused(f"a waiver of `{waiver.id}` has to name its `package`")
    if waiver.since > waiver.expires:
        raise Refused(f"it ends on {waiver.expires}, before it begins")
    return Given(waiver, where)


WAIVERS: Final = listing(convert(_WAIVER, _waiver), "a list of waivers")
WAIVER_FILE: Final = record(
    "a mapping with the key `waivers`", (Field("waivers", WAIVERS, "The waivers.", [], required=True),)
)
