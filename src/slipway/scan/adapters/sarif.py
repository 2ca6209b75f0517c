"""Weaknesses of packages in SARIF logs (SARIF 2.1.0, docs.oasis-open.org; sections are named where they matter).

SARIF has no place for packages, so each scanner puts them where it likes. Where there is a purl it is taken; else what Trivy
and Grype write in their messages; else the finding is about the file that is named.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.adapters.model import Imported
from slipway.scan.adapters.packages import component
from slipway.scan.adapters.reading import aliases, each, kept, score, severity, urls
from slipway.scan.advisories import fields
from slipway.scan.model import Feed, Finding, Level, Severity
from slipway.scan.severity import level_of, level_of_score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.scan.model import Component

_ID = pattern(
    r"(?:(?:DEBIAN-|UBUNTU-|ALPINE-)?CVE-[0-9]{4}-[0-9]{4,19}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}"
    r"|PYSEC-[0-9]{4}-[0-9]+|GO-[0-9]{4}-[0-9]+|RUSTSEC-[0-9]{4}-[0-9]+)"
)
_PACKAGE = pattern(r"(?m)^Package: (\S+)$")
_INSTALLED = pattern(r"(?m)^Installed Version: (\S+)$")
_FIXED = pattern(r"(?m)^Fix(?:ed)? Version: *(\S.*)$")
_HELD = pattern(r"reports (\S+) at version (\S+) +which is a vulnerable \((\S+?)\) package")
_LEVELS: Final = {"error": "high", "warning": "medium", "note": "low", "none": "none"}
_KINDS: Final = ("fail", "open", "review", None)  # section 3.27.9: others are no problems
_RAW: Final = (
    "level",
    "kind",
    "message",
    "partialFingerprints",
    "fingerprints",
    "baselineState",
    "properties",
)


def read(report: Mapping[str, Any]) -> Imported:
    """`InputError` naming the place of what is not as it should be."""
    runs = each(report, "runs", lambda row: [_Run(row)])
    others: Counter[str] = Counter()
    for run in runs:
        others.update(run.others)
    tools = list(dict.fromkeys((run.tool, run.version) for run in runs))
    about = [fields.mapping(run.row, "properties") for run in runs]
    repository = [name for row in about for name in fields.words(row, "repoDigests")]
    names = [n for row in about for n in (fields.word(row, "imageName"), *fields.words(row, "repoTags"))]
    return Imported(
        "sarif",
        Feed(
            " and ".join(tool for tool, _ in tools) or "sarif",
            tools[0][1] if len(tools) == 1 else "",
            max((run.ended for run in runs), default=""),
        ),
        tuple(finding for run in runs for finding in run.findings),
        tuple(problem for run in runs for problem in run.problems)
        if runs
        else ("it holds no run of any tool",),
        tuple(sorted(others.items())),
        tuple(dict.fromkeys(name for name in names if name)) if repository or any(names[1:]) else (),
        tuple(dict.fromkeys(d for name in repository if (d := name.rpartition("@")[2]))),
        next((found for row in about if (found := fields.word(row, "imageID"))), ""),
    )


class _Run:
    """One run of one tool (section 3.14)."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        tool = fields.mapping(row, "tool")
        driver = fields.mapping(tool, "driver")
        self.tool = fields.word(driver, "name").lower() or "sarif"
        self.version = fields.word(driver, "semanticVersion") or fields.word(driver, "version")
        self.others: Counter[str] = Counter()
        self._rules = fields.mappings(driver, "rules")
        everywhere = [*self._rules]
        for extension in fields.mappings(tool, "extensions"):
            everywhere += fields.mappings(extension, "rules")
        self._by_id = {fields.word(rule, "id"): rule for rule in everywhere}
        invocations = fields.mappings(row, "invocations")
        self.ended = max((fields.time(i, "endTimeUtc") for i in invocations), default="")
        self.problems = [
            f"{self.tool} says that its run failed"
            for i in invocations
            if i.get("executionSuccessful") is False
        ]
        if row.get("results") is None:  # section 3.14.23: nothing was looked for
            self.problems.append(f"{self.tool} did not look for anything")
        self.findings = each(row, "results", self._result)

    def _result(self, row: dict[str, Any]) -> Iterator[Finding]:
        if row.get("kind") not in _KINDS or row.get("baselineState") == "absent":
            return
        rule = self._rule(row)
        told = fields.word(row, "ruleId") or fields.word(rule, "id")
        tags = fields.words(fields.mapping(rule, "properties"), "tags")
        found = _ID.match(told) or next((hit for tag in tags if (hit := _ID.fullmatch(tag))), None)
        if found is None and not _purl(row):
            self.others["result about something else"] += 1
            return
        name = found[0] if found else told
        text = _text(row, "message")
        help_text = _text(rule, "help")
        fixed = _FIXED.search(text) or _FIXED.search(help_text)
        versions = tuple(v for part in fixed[1].split(",") if (v := part.strip())) if fixed else ()
        about = fields.words(rule, "deprecatedIds")
        yield Finding(
            name,
            _component(row, text),
            aliases=aliases(name, (*about, *tags)),
            fixed=versions,
            fix_state="fixed" if versions else "unknown",
            severity=_severity(row, rule, tags, self.tool),
            title=_text(rule, "shortDescription"),
            description=_text(rule, "fullDescription"),
            urls=urls(rule.get("helpUri")),
            provenance=(f"{self.tool} {self.version}".rstrip(),),
            waiver=_suppressed(row),
            raw={self.tool: kept(row, *_RAW)},
        )

    def _rule(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Sections 3.27.5 to 3.27.7: by index among the driver's, or by id, of which the first parts may be those of the rule."""
        reference = fields.mapping(row, "rule")
        index = row.get("ruleIndex", reference.get("index", -1))
        if not isinstance(index, int) or isinstance(index, bool):
            raise InputError("ruleIndex is not a number")
        if 0 <= index < len(self._rules) and "toolComponent" not in reference:
            return self._rules[index]
        name = fields.word(row, "ruleId") or fields.word(reference, "id")
        return self._by_id.get(name) or self._by_id.get(name.rpartition("/")[0], {})


def _component(row: Mapping[str, Any], text: str) -> Component:
    places = fields.mappings(row, "locations")
    path = next((found for place in places if (found := _uri(place))), "")
    if purl := _purl(row):
        return component(purl, "generic", "", "", path=path)
    held = _HELD.search(text)
    if held:  # Grype
        return component("", "pypi" if held[3] == "python" else held[3], held[1], held[2])
    package, installed = _PACKAGE.search(text), _INSTALLED.search(text)
    if package and installed:  # Trivy
        return component("", "generic", package[1], installed[1], path=path)
    return component("", "generic", path or "unknown", "", path=path)


def _purl(row: Mapping[str, Any]) -> str:
    """In the properties, or as the name of a logical location."""
    places = fields.mappings(row, "locations")
    logical = [*fields.mappings(row, "logicalLocations")]
    for place in places:
        logical += fields.mappings(place, "logicalLocations")
        logical += fields.mappings(fields.mapping(place, "physicalLocation"), "logicalLocations")
    owners = (row, *places, *logical)
    bags = [fields.mapping(owner, "properties") for owner in owners]
    told = [bag.get(name) for bag in bags for name in ("purl", "packageUrl", "package_url")]
    told += [each.get(name) for each in logical for name in ("fullyQualifiedName", "name")]
    return next((t for t in told if isinstance(t, str) and t.startswith("pkg:") and t.isprintable()), "")


def _uri(place: Mapping[str, Any]) -> str:
    return fields.word(fields.mapping(fields.mapping(place, "physicalLocation"), "artifactLocation"), "uri")


def _severity(row: Mapping[str, Any], rule: Mapping[str, Any], tags: tuple[str, ...], tool: str) -> Severity:
    """The word among the tags (Trivy), else by `security-severity`, a score from 0 to 10 as text, else the result's level."""
    bags = (fields.mapping(row, "properties"), fields.mapping(rule, "properties"))
    value = next((found for bag in bags if (found := score(bag, "security-severity"))), 0.0)
    word = next((tag for tag in tags if level_of(tag) is not Level.UNKNOWN), "")
    configured = fields.mapping(rule, "defaultConfiguration")
    told = fields.word(row, "level") or fields.word(configured, "level") or "warning"
    if not word and value:
        return Severity(level_of_score(value), value, "", tool, told)
    return severity(word or _LEVELS.get(told, ""), value, "", tool)


def _suppressed(row: Mapping[str, Any]) -> str:
    """Why the result does not count; empty when it does: one suppression that is not accepted undoes all (section 3.27.23)."""
    found = fields.mappings(row, "suppressions")
    if not found or any(s.get("status") in ("underReview", "rejected") for s in found):
        return ""
    reasons = [text for s in found if (text := fields.text(s, "justification"))]
    return f"suppressed in the report{': ' if reasons else ''}{'; '.join(reasons)}"


def _text(row: Mapping[str, Any], name: str) -> str:
    message = fields.mapping(row, name)
    return fields.text(message, "text") or fields.text(message, "markdown")
