"""What is counted in a scan: each weakness of a package once, however often the package is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.scan.fingerprint import fingerprint
from slipway.scan.history.model import HEADERS, Levels, Numbers
from slipway.scan.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.scan.model import Finding, Scan


def once(scan: Scan) -> dict[str, Finding]:
    """The findings by fingerprint; of several with the same one (a package in two places) what counts and is worst."""
    found: dict[str, Finding] = {}
    for finding in scan.findings:
        name = fingerprint(scan.inventory.name, finding)
        if name not in found or _weight(finding) > _weight(found[name]):
            found[name] = finding
    return found


def numbers(scan: Scan) -> Numbers:
    findings = once(scan).values()
    real = [finding for finding in findings if finding.class_ != HEADERS]
    return Numbers(
        open=_levels(f for f in real if f.open),
        fixable_open=_levels(f for f in real if f.open and f.fixable),
        excused=_levels(f for f in real if f.waiver or f.vex),
        headers=sum(f.class_ == HEADERS and f.open for f in findings),
        outdated=len(scan.outdated),
        uncovered=len(scan.uncovered),
    )


def _weight(finding: Finding) -> tuple[bool, bool, int, bool]:
    return finding.open, finding.class_ != HEADERS, finding.severity.level, finding.fixable


def _levels(findings: Iterable[Finding]) -> Levels:
    counts = [0] * len(Level)
    for finding in findings:
        counts[finding.severity.level] += 1
    return tuple(counts)
