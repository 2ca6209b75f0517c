"""What a verdict is made of: the scan, the rules, and the circumstances of the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.scan.fingerprint import package

if TYPE_CHECKING:
    from slipway.scan.model import Finding, Outdated, Scan
    from slipway.scan.policy.model import Policy
    from slipway.scan.policy.standing import Waivers


@dataclass(frozen=True, slots=True)
class Approved:
    """What the scan of the approved release had already, if there is one (`given`): packages without versions, with names of findings.

    Outdated ones are with the version that was to be had. Images are not compared: a release may have had another name.
    What was excused then was not approved.
    """

    given: bool = False
    findings: frozenset[tuple[str, str]] = frozenset()
    outdated: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, scan: Scan | None) -> Approved:
        if scan is None:
            return cls()
        return cls(
            True,
            frozenset(
                (package(f.component), name) for f in scan.findings if f.open for name in (f.id, *f.aliases)
            ),
            frozenset((package(o.component), o.available) for o in scan.outdated),
        )

    def has(self, finding: Finding) -> bool:
        here = package(finding.component)
        return any((here, name) in self.findings for name in (finding.id, *finding.aliases))

    def has_outdated(self, outdated: Outdated) -> bool:
        return (package(outdated.component), outdated.available) in self.outdated


@dataclass(frozen=True, slots=True)
class Case:
    """`now` is in seconds since 1970."""

    scan: Scan
    policy: Policy
    waivers: Waivers
    approved: Approved
    now: float
