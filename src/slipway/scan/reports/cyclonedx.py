"""A scan as CycloneDX 1.6: the SBOM of the image with its vulnerabilities (ECMA-424, `vulnerabilities`).

What was found out or decided is `analysis`: somebody's statement that it does not apply, or that it is accepted for a time.
Where nobody has looked yet there is none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import UsageError
from slipway.scan.model import Level
from slipway.scan.reports import view
from slipway.scan.reports.rows import dumps
from slipway.scan.sbom.cyclonedx import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.scan.model import Component, Finding, Scan, Severity
    from slipway.scan.policy.model import Judged

_SEVERITIES: Final = {Level.NEGLIGIBLE: "info"}  # all others have our names
_METHODS: Final = {"CVSS:4.0": "CVSSv4", "CVSS:3.1": "CVSSv31", "CVSS:3.0": "CVSSv3"}
# OpenVEX's justifications in CycloneDX's words, which are others (openvex.dev; 1.6 `impactAnalysisJustification`).
_JUSTIFICATIONS: Final = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "protected_at_runtime",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}


def render(judged: Sequence[Judged]) -> str:
    """`UsageError` for several images: such a document is about one."""
    if len(judged) != 1:
        raise UsageError(
            f"a CycloneDX document is about one image, not {len(judged)}", hint="scan each by itself"
        )
    scan = judged[0].scan
    # what only another scanner has seen is a component as well
    components = tuple(
        dict.fromkeys((*scan.inventory.components, *(finding.component for finding in scan.findings)))
    )
    bom = document(replace(scan.inventory, components=components))
    references = {
        component: row["bom-ref"] for component, row in zip(components, bom["components"], strict=False)
    }
    if not scan.complete:
        bom["compositions"][0]["aggregate"] = "incomplete"
    if scan.time:
        bom["metadata"] = {"timestamp": scan.time, **bom["metadata"]}
    bom["metadata"]["properties"] = _properties(
        [*(("slipway:feed", f"{name} {date}") for name, date in view.ages(scan))]
        + [("slipway:problem", text) for text in view.incomplete(scan)]
        + [("slipway:uncovered", f"{u.component.purl}: {u.why}") for u in scan.uncovered]
        + [("slipway:outdated", f"{o.component.purl}: {o.available} in {o.suite}") for o in scan.outdated]
    )
    bom["vulnerabilities"] = _vulnerabilities(scan, references)
    return dumps(bom, 1)


def _vulnerabilities(scan: Scan, references: dict[Component, str]) -> list[dict[str, Any]]:
    """One for each weakness and what is said of it: packages of which different things are said are apart."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in scan.findings:
        key = (finding.id, finding.severity, finding.waiver, finding.vex, finding.status, finding.class_)
        groups.setdefault(key, []).append(finding)
    return [_vulnerability(group, place, references) for place, group in enumerate(groups.values())]


def _vulnerability(group: list[Finding], place: int, references: dict[Component, str]) -> dict[str, Any]:
    first = group[0]
    aliases = sorted({alias for finding in group for alias in finding.aliases})
    provenance = dict.fromkeys(source for finding in group for source in finding.provenance)
    row: dict[str, Any] = {"bom-ref": f"{place}:{first.id}", "id": first.id}
    if provenance:
        row["source"] = {"name": next(iter(provenance))}
    if aliases:
        row["references"] = [{"id": alias, "source": {"name": alias.partition("-")[0]}} for alias in aliases]
    if rating := _rating(first.severity):
        row["ratings"] = [rating]
    if first.title or first.description:
        row["description"] = first.title or first.description
        row["detail"] = first.description or first.title
    mended = [f"{f.component.name} {', '.join(f.fixed)}" for f in group if f.fixed]
    if mended:
        row["recommendation"] = f"update to {'; '.join(dict.fromkeys(mended))}"
    if urls := dict.fromkeys(url for f in group for url in view.addresses(f.urls)):
        row["advisories"] = [{"url": url} for url in urls]
    if analysis := _analysis(first):
        row["analysis"] = analysis
    row["affects"] = [_affects(finding, references) for finding in group]
    pairs = [("slipway:provenance", text) for text in provenance]
    pairs += [("slipway:class", first.class_), ("slipway:status", first.status)]
    pairs += [("slipway:fix-state", text) for text in dict.fromkeys(f.fix_state for f in group)]
    pairs += [("slipway:completeness", text) for text in dict.fromkeys(f.completeness for f in group)]
    pairs += [("slipway:first-seen", min((f.first_seen for f in group if f.first_seen), default=""))]
    row["properties"] = _properties(pairs)
    return row


def _affects(finding: Finding, references: dict[Component, str]) -> dict[str, Any]:
    status = {"fixed": "unaffected", "not_affected": "unaffected", "under_investigation": "unknown"}
    versions = [
        {"version": finding.component.version, "status": status.get(finding.status, "affected")},
        *({"version": version, "status": "unaffected"} for version in finding.fixed),
    ]
    return {"ref": references[finding.component], "versions": versions}


def _rating(severity: Severity) -> dict[str, Any]:
    if not severity.level and not severity.vector:
        return {}
    row: dict[str, Any] = {"severity": _SEVERITIES.get(severity.level, str(severity.level))}
    if severity.origin:
        row["source"] = {"name": severity.origin}
    if severity.score:
        row["score"] = severity.score
    if severity.vector:
        row["method"] = _METHODS.get(severity.vector[:8], "other")
        row["vector"] = severity.vector
    return row


def _analysis(finding: Finding) -> dict[str, Any]:
    """CycloneDX has no word for what is accepted for a time: it stays exploitable, and the detail says by whom."""
    why = view.excuse(finding)
    if finding.status == "not_affected" or (finding.vex and finding.status != "fixed"):
        told = finding.vex.replace(" ", "_")
        found = next((theirs for ours, theirs in _JUSTIFICATIONS.items() if ours in told), "")
        return {"state": "not_affected", **({"justification": found} if found else {}), "detail": why}
    if finding.status == "fixed":
        return {"state": "resolved", "detail": why}
    if finding.waiver:
        return {"state": "exploitable", "detail": why}
    return {"state": "in_triage"} if finding.status == "under_investigation" else {}


def _properties(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs if value]
