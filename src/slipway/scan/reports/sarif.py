"""Findings as SARIF 2.1.0 (OASIS Standard), a run for each image.

What code scanning services read besides: `security-severity` of rules (a CVSS score as text) and `partialFingerprints`.
A scan that is not complete has `executionSuccessful: false` and says why; a package of which nothing is known is a
result of the kind `open`; what is excused is there with its suppression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from slipway import __version__
from slipway.scan.fingerprint import fingerprint
from slipway.scan.model import Finding, Level
from slipway.scan.reports import view
from slipway.scan.reports.rows import dumps
from slipway.scan.severity import level_of_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.scan.model import Scan, Severity
    from slipway.scan.policy.model import Judged

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT: Final = "slipway/v1"
_ROOT: Final = "IMAGE"
_LEVELS: Final = {
    Level.CRITICAL: "error",
    Level.HIGH: "error",
    Level.MEDIUM: "warning",
    Level.LOW: "note",
    Level.NEGLIGIBLE: "note",
    Level.UNKNOWN: "warning",
}
# In the middle of what CVSS calls so, where no score is known or the level is another than the score's.
_SCORES: Final = {
    Level.CRITICAL: 9.5,
    Level.HIGH: 8.0,
    Level.MEDIUM: 5.5,
    Level.LOW: 2.0,
    Level.NEGLIGIBLE: 0.1,
}
_OUTDATED: Final = "slipway/outdated-package"
_UNCOVERED: Final = "slipway/uncovered-package"
_OWN: Final = {
    _OUTDATED: "There is a newer version of this package in the suites that it is from.",
    _UNCOVERED: "Nothing can be said of this package: no advisories speak of it.",
}


def render(judged: Sequence[Judged]) -> str:
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(each) for each in judged]}
    return dumps(document, 2)


def _run(judged: Judged) -> dict[str, Any]:
    scan = judged.scan
    image = scan.inventory
    by_id: dict[str, list[Finding]] = {}
    for finding in scan.findings:
        by_id.setdefault(finding.id, []).append(finding)
    rules = [_rule(findings) for findings in by_id.values()]
    nameless = view.nameless(scan)
    used = [name for name, some in ((_OUTDATED, nameless), (_UNCOVERED, scan.uncovered)) if some]
    rules += [{"id": name, "shortDescription": {"text": _OWN[name]}} for name in used]
    places = {rule["id"]: place for place, rule in enumerate(rules)}
    results = [_result(image.name, finding, places) for finding in scan.findings]
    for outdated in nameless:
        component = outdated.component
        text = (
            f"{component.name} {component.version} is outdated: {outdated.available} is in {outdated.suite}"
        )
        level = "warning" if outdated.security else "note"
        results.append({**_about(image.name, Finding(_OUTDATED, component), text, places), "level": level})
    for uncovered in scan.uncovered:
        component = uncovered.component
        text = f"{component.name} {component.version}: {uncovered.why}"
        about = _about(image.name, Finding(_UNCOVERED, component), text, places)
        results.append({**about, "kind": "open", "level": "none"})
    driver = {"name": "slipway", "version": __version__, "semanticVersion": __version__, "rules": rules}
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"slipway/{image.name}/"},
        "invocations": [_invocation(judged)],
        "originalUriBaseIds": {_ROOT: {"description": {"text": f"the root of {image.name}"}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": _properties(judged),
    }


def _rule(findings: list[Finding]) -> dict[str, Any]:
    """What is to be said of a weakness, whatever has it: the worst of what is said of packages."""
    first = next((f for f in findings if f.title or f.description), findings[0])
    worst = max((f.severity for f in findings), key=lambda s: (s.level, s.score))
    title = first.title or first.description.strip().partition("\n")[0][:200] or first.id
    aliases = sorted({alias for f in findings for alias in f.aliases})
    urls = list(dict.fromkeys(url for f in findings for url in view.addresses(f.urls)))
    lines = [first.description or title, "", *(f"Also: {', '.join(aliases)}" for _ in aliases[:1]), *urls]
    properties: dict[str, Any] = {"tags": ["security", "vulnerability", str(worst.level)]}
    properties["tags"] += aliases
    if worst.level:
        properties["security-severity"] = _score(worst)
    rule = {
        "id": first.id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": first.description or title},
        "help": {"text": "\n".join(lines).strip()},
        "defaultConfiguration": {"level": _LEVELS[worst.level]},
        "properties": properties,
    }
    return {**rule, "helpUri": urls[0]} if urls else rule


def _score(severity: Severity) -> str:
    score = severity.score
    agrees = score and level_of_score(score) is severity.level
    return f"{score if agrees else _SCORES[severity.level]:.1f}"


def _result(image: str, finding: Finding, places: dict[str, int]) -> dict[str, Any]:
    component = finding.component
    fixed = f"repaired in {', '.join(finding.fixed)}" if finding.fixed else view.fix_words(finding)
    text = f"{component.name} {component.version} has {finding.id} ({finding.severity.level}); {fixed}"
    result = _about(image, finding, text, places)
    result["level"] = _LEVELS[finding.severity.level]
    if why := view.excuse(finding):
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    told = {
        "aliases": list(finding.aliases),
        "fixed": list(finding.fixed),
        "fixState": finding.fix_state,
        "status": finding.status,
        "class": finding.class_,
        "completeness": finding.completeness,
        "provenance": list(finding.provenance),
        "firstSeen": finding.first_seen,
        "cvss": finding.severity.vector,
    }
    result["properties"].update({key: value for key, value in told.items() if value})
    return result


def _about(image: str, finding: Finding, text: str, places: dict[str, int]) -> dict[str, Any]:
    """A result without a level: which rule, which package, and where it is."""
    component = finding.component
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": component.name, "fullyQualifiedName": component.purl, "kind": "package"}
        ]
    }
    if component.path:
        artifact = {"uri": quote(component.path), "uriBaseId": _ROOT}
        location["physicalLocation"] = {"artifactLocation": artifact, "region": {"startLine": 1}}
    return {
        "ruleId": finding.id,
        "ruleIndex": places[finding.id],
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: fingerprint(image, finding)},
        "properties": {"purl": component.purl, "installed": component.version},
    }


def _invocation(judged: Judged) -> dict[str, Any]:
    scan = judged.scan
    row: dict[str, Any] = {"executionSuccessful": scan.complete}
    if scan.time:
        row["endTimeUtc"] = scan.time
    notes = [_note("error", text) for text in view.incomplete(scan)]
    if judged.verdict:
        notes += [
            _note("warning", reason.text) for reason in judged.verdict.reasons if not reason.fingerprint
        ]
        notes += [_note("note", text) for text in judged.verdict.notes]
    return {**row, "toolExecutionNotifications": notes} if notes else row


def _note(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text}}


def _properties(judged: Judged) -> dict[str, Any]:
    scan: Scan = judged.scan
    image = scan.inventory
    told = {
        "image": image.name,
        "digest": image.digest,
        "platform": image.platform,
        "system": image.system.name or image.system.distro,
        "feeds": [f"{name} {date}" for name, date in view.ages(scan)],
        "verdict": judged.verdict.outcome if judged.verdict else "",
    }
    return {key: value for key, value in told.items() if value}
