"""A scan of source files as SARIF (OASIS: Static Analysis Results Interchange Format 2.1.0), one run for each tool.

It says nothing of when and where it was made: the same files give the same text.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from slipway.scan.source.model import Ran

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.scan.source.model import Excuse, Gap, Result, Rule, SourceResult

FINGERPRINT: Final = "slipway/v1"
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_HOMES: Final = {
    "bandit": "https://bandit.readthedocs.io/",
    "ruff": "https://docs.astral.sh/ruff/",
    "shellcheck": "https://www.shellcheck.net/",
}


def render(result: SourceResult) -> str:
    data = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [*_runs(result)]}
    return json.dumps(data, indent=1) + "\n"


def _runs(result: SourceResult) -> Iterable[dict[str, Any]]:
    """What concerns all checks (a file that cannot be read) makes a run of its own; so does a check that was not run."""
    known = {ran.check for ran in result.checks}
    others = dict.fromkeys(gap.check for gap in result.gaps if gap.check not in known)
    for ran in (*result.checks, *(Ran(check, "slipway") for check in others)):
        gaps = [gap for gap in result.gaps if gap.check == ran.check]
        found = [each for each in result.results if each.check == ran.check]
        yield _run(ran, found, gaps)


def _run(ran: Ran, results: list[Result], gaps: list[Gap]) -> dict[str, Any]:
    index = {rule.id: place for place, rule in enumerate(ran.rules)}
    name = f"{ran.tool} {ran.check}" if ran.tool == "slipway" else ran.tool
    driver: dict[str, Any] = {"name": name, "rules": [_rule(rule) for rule in ran.rules]}
    if ran.tool in _HOMES:
        driver["informationUri"] = _HOMES[ran.tool]
    if ran.version:
        driver["version"] = ran.version
    if gaps:
        driver["notifications"] = [{"id": rule} for rule in sorted({gap.rule for gap in gaps})]
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"slipway-source/{ran.check}"},
        "invocations": [
            {
                "executionSuccessful": all(gap.excuse for gap in gaps),
                "toolExecutionNotifications": [_notification(gap) for gap in gaps],
            }
        ],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of what was scanned."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, index) for result in results],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": rule.level},
    }
    if rule.url:
        said["helpUri"] = rule.url
    tags = [tag for tag in rule.tags if not tag.startswith("cvss/")]
    properties: dict[str, Any] = {"tags": tags} if tags else {}
    for tag in rule.tags:
        if tag.startswith("cvss/"):
            properties["security-severity"] = tag.removeprefix("cvss/")
    return {**said, "properties": properties} if properties else said


def _result(result: Result, index: dict[str, int]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": index[result.rule],
        "level": result.level,
        "message": {"text": result.message},
        "locations": [_location(result.path, result.line, result.column, result.end_line)],
        "partialFingerprints": {FINGERPRINT: result.fingerprint},
        # on all, or a reader could not tell whether there are any
        "suppressions": [_suppression(result.excuse)] if result.excuse else [],
        "properties": {"tools": list(result.tools), **({"also": list(result.also)} if result.also else {})},
    }
    if result.state:
        said["baselineState"] = result.state
    return said


def _notification(gap: Gap) -> dict[str, Any]:
    said: dict[str, Any] = {
        "descriptor": {"id": gap.rule},
        "level": "note" if gap.excuse else "error",
        "message": {"text": gap.message},
    }
    if gap.path:
        said["locations"] = [_location(gap.path, gap.line, 0, 0)]
    if gap.excuse:
        said["properties"] = {"excused": gap.excuse.reason}
    return said


def _suppression(excuse: Excuse) -> dict[str, Any]:
    return {"kind": excuse.kind, "status": "accepted", "justification": excuse.reason}


def _location(path: str, line: int, column: int, end: int) -> dict[str, Any]:
    artifact = {"uri": quote(os.fsencode(path), safe="/~!$&'()*+,;=@"), "uriBaseId": _ROOT}
    place: dict[str, Any] = {"artifactLocation": artifact}
    if line:
        region = {"startLine": line}
        if column:
            region["startColumn"] = column
        if end > line:
            region["endLine"] = end
        place["region"] = region
    return {"physicalLocation": place}
