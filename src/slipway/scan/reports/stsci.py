"""The YAML of image-scan-report (spacetelescope/jupyterhub-deploy, tools/), for programs that read it.

    imageId: {imageDigest, imageTag}
    imageScanFindings:
      findingSeverityCounts: {CRITICAL: n, ...}    of all findings, whatever the level asked for
      findings: [{name, severity, uri, description, attributes: [{key, value}], cve_status}]
      imageScanCompletedAt, vulnerabilitySourceUpdatedAt
    imageScanStatus: {status, description}
    overall_status: OK | FAILED
    registryId, repositoryName

One document for each image. Ours besides: `waiver` and `vex` of a finding that does not count, and `overall_reasons`, which
say why an image without a bad finding is not OK. What could not be told is FAILED.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from slipway.scan.adapters import ecrlabels
from slipway.scan.imagename import untagged
from slipway.scan.model import Level
from slipway.scan.policy.model import Policy
from slipway.scan.reports.view import address, incomplete
from slipway.scan.times import seconds
from slipway.scan.versions.ecosystems import codename

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.scan.model import Feed, Finding, Scan, System
    from slipway.scan.policy.model import Judged, Verdict

_WORDS: Final = {
    Level.CRITICAL: "CRITICAL",
    Level.HIGH: "HIGH",
    Level.MEDIUM: "MEDIUM",
    Level.LOW: "LOW",
    Level.NEGLIGIBLE: "INFORMATIONAL",
    Level.UNKNOWN: "UNDEFINED",
}
# The words of Ubuntu's pages, which image-scan-report repeated.
_FIX_WORDS: Final = {
    "fixed": "Released",
    "not-fixed": "Needed",
    "deferred": "Deferred",
    "wont-fix": "Ignored",
    "unknown": "unknown",
}
_STATUS_WORDS: Final = {
    "fixed": "Fixed",
    "not_affected": "Not affected",
    "under_investigation": "Needs triage",
    "no_support": "Ignored",
}
_PLACES: Final = ("dir", "docker-archive", "oci", "sbom", "squashfs")


def render(judged: Sequence[Judged], *, least: Level = Level.UNKNOWN) -> str:
    """Findings below `least` are not listed; those of a severity that nobody tells always are."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    # a value on one line, as those who search the text expect
    text: str = yaml.dump_all(
        [_document(each, least) for each in judged],
        Dumper=dumper,
        allow_unicode=True,
        width=1 << 20,
        explicit_start=len(judged) > 1,
    )
    return text


def _document(judged: Judged, least: Level) -> dict[str, Any]:
    scan = judged.scan
    labels = dict(scan.inventory.labels)
    registry, name, tag = _names(scan.inventory.name)
    image = {"imageDigest": scan.inventory.digest, "imageTag": tag}
    shown = [f for f in scan.findings if f.severity.level >= least or f.severity.level is Level.UNKNOWN]
    told = incomplete(scan)
    description = "; ".join(told) or labels.get(ecrlabels.DESCRIPTION, "") or "The scan is complete."
    status = labels.get(ecrlabels.STATUS, "") or ("FAILED" if told else "COMPLETE")
    return {
        "imageId": {key: value for key, value in image.items() if value},
        "imageScanFindings": {
            "findingSeverityCounts": dict(Counter(_WORDS[f.severity.level] for f in scan.findings)),
            "findings": [
                _finding(f, scan.inventory.system) for f in sorted(shown, key=lambda f: -f.severity.level)
            ],
            "imageScanCompletedAt": scan.time,
            "vulnerabilitySourceUpdatedAt": _updated(scan.feeds),
        },
        "imageScanStatus": {"status": status, "description": description},
        **_overall(judged.verdict or _judged(scan)),
        "registryId": labels.get(ecrlabels.REGISTRY, "") or registry,
        "repositoryName": name,
    }


def _finding(finding: Finding, system: System) -> dict[str, Any]:
    severity, component = finding.severity, finding.component
    word = _WORDS[severity.level]
    cvss = "CVSS4" if severity.vector.startswith("CVSS:4") else "CVSS3"
    cvss = cvss if severity.vector.startswith("CVSS:") else "CVSS2"
    attributes = {
        "package_name": component.name,
        "package_version": component.version,
        f"{cvss}_VECTOR": severity.vector,
        f"{cvss}_SCORE": str(severity.score) if severity.score and severity.vector else "",
    }
    release = codename(system) or system.distro or "unknown"
    status = (
        _STATUS_WORDS.get(finding.status) or _FIX_WORDS["fixed" if finding.fixable else finding.fix_state]
    )
    row = {
        "name": finding.id,
        "severity": word,
        "uri": address(finding),
        "description": finding.description or finding.title,
        "attributes": [{"key": key, "value": value} for key, value in attributes.items() if value],
        "cve_status": f"{finding.id} -- {word} -- {release} -- {status}",
        "waiver": finding.waiver,
        "vex": finding.vex,
    }
    return {key: value for key, value in row.items() if value}


def _judged(scan: Scan) -> Verdict:
    """By the rules that hold where nobody gives any."""
    from slipway.scan.policy.judge import judge

    return judge(scan, Policy(), now=seconds(scan.time) if scan.time else 0.0)


def _overall(verdict: Verdict) -> dict[str, Any]:
    reasons = [reason.text for reason in verdict.reasons if not reason.fingerprint]
    status = "OK" if verdict.outcome == "pass" else "FAILED"
    return {"overall_status": status, **({"overall_reasons": reasons} if reasons else {})}


def _updated(feeds: Sequence[Feed]) -> str:
    """When ECR's data was renewed; in our own scans the oldest feed counts."""
    theirs = [feed.date for feed in feeds if feed.name == "ecr"]
    return min(theirs or [feed.date for feed in feeds], default="")


def _names(name: str) -> tuple[str, str, str]:
    """Registry, repository and tag of an image; of one that was read from a file, its place."""
    kind, _, rest = name.partition(":")
    if kind in _PLACES:
        return "", name, ""
    name = rest if kind == "docker" and rest else name
    whole = untagged(name)
    tag = name.partition("@")[0][len(whole) + 1 :]
    host, slash, path = whole.partition("/")
    if slash and (host == "localhost" or "." in host or ":" in host):
        return host.partition(".dkr.ecr.")[0], path, tag
    return "", whole, tag
