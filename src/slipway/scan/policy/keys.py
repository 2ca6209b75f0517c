"""The keys of a policy, each declared here once: validation and the reference page come from this table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.recipe import checks
from slipway.recipe.kinds import FLAG, Field, choice, text
from slipway.recipe.records import record
from slipway.scan.model import Level
from slipway.scan.policy.beside import VEX_FILES, WAIVER_FILES
from slipway.scan.policy.waiverkeys import WAIVERS

if TYPE_CHECKING:
    from slipway.recipe.kinds import Kind

_LEVELS: Final[dict[str, Level | None]] = {str(level): level for level in Level if level}
_NUMBER = r"[0-9]{1,4}"


def _words(*names: str) -> dict[str, str]:
    return dict(zip(names, names, strict=True))


def _days(value: str) -> int:
    return int(checks.match(_NUMBER, value, "a number of days", "a whole number, without a unit"))


DAYS: Final = text(
    "a number of days", _days, pattern=_NUMBER, loose=True, schema={"type": ["integer", "string"]}
)
SEVERITY: Final[Kind[Level | None]] = choice("a severity", _LEVELS)
UNCLEAR: Final = choice("an outcome", _words("fail", "unknown", "allow"))

POLICY: Final = record(
    "a mapping of keys",
    (
        Field(
            "severity",
            choice("a severity", {**_LEVELS, "never": None}),
            "The least severity that fails; `never`: none does.",
            "high",
            required=True,
        ),
        Field(
            "unknown-severity",
            choice("an answer", _words("fail", "fixable", "pass")),
            "Whether findings fail whose severity nobody has told: `fail`, `pass`, or `fixable`, when there is a fix.",
            "fail",
            "fixable",
        ),
        Field("only-fixable", FLAG, "Findings without a fix do not fail.", True, "false"),
        Field(
            "only-new",
            FLAG,
            "What the approved scan (`--approved`) has too does not fail, unless it was waived there. Without an approved scan all is new.",
            True,
            "false",
        ),
        Field(
            "new-severity",
            SEVERITY,
            "The least severity that fails for findings that the approved scan does not have.",
            "medium",
            "`severity`",
        ),
        Field(
            "grace",
            DAYS,
            "Days in which a finding does not fail yet. One of which it is not known since when it counts has none.",
            14,
            "0",
        ),
        Field(
            "grace-from",
            choice("a day", _words("first-seen", "published")),
            "Where these days begin: when the weakness was `published`, or when a scan of the image first had it (`first-seen`). "
            "The latter is for machines that keep their history of scans: elsewhere every day is the first.",
            "first-seen",
            "published",
        ),
        Field(
            "outdated",
            choice("an answer", _words("always", "unrated", "never")),
            "When a package fails for which a security suite has a newer version: `always`; `unrated`, when it is not known "
            "all that this mends, and `unknown-severity` is not `pass`; or `never`. Its days of grace are those of its findings.",
            "always",
            "unrated",
        ),
        Field(
            "uncovered",
            UNCLEAR,
            "What comes of packages that no feed knows, and of an image without packages: `fail`, `unknown` or `allow`.",
            "allow",
            "unknown",
        ),
        Field(
            "no-support",
            UNCLEAR,
            "What comes of packages that their distribution does not mend: `fail`, `unknown` or `allow`.",
            "fail",
            "unknown",
        ),
        Field("headers", FLAG, "Findings in packages of headers count.", True, "false"),
        Field(
            "feeds-age",
            DAYS,
            "Days after which what is known of weak packages is too old: then the outcome is unknown. 0: never, so that "
            "only the setting `advisories_max_age` counts.",
            3,
            "0",
        ),
        Field(
            "longest-waiver",
            DAYS,
            "Days that a waiver may hold, from its `since`, which is needed then. 0: any.",
            90,
            "0",
        ),
        Field("waivers", WAIVERS, "What is accepted for a time.", [], "none"),
        Field(
            "waiver-files",
            WAIVER_FILES,
            "Files with more waivers, relative to the policy.",
            ["waivers.yaml"],
            "none",
        ),
        Field(
            "vex",
            VEX_FILES,
            "Files of VEX statements, relative to the policy: OpenVEX, or CycloneDX, in JSON.",
            ["hello.vex.json"],
            "none",
        ),
    ),
)  # fmt: skip
