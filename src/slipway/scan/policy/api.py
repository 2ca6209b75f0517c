"""What commands call: a scan with all that was excused, its verdict, and what came of several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.scan.policy.excuse import excuse
from slipway.scan.policy.judge import judge
from slipway.scan.policy.loader import load
from slipway.scan.policy.model import Judged
from slipway.scan.policy.said import Said
from slipway.scan.policy.simple import simple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.scan.model import Scan
    from slipway.scan.policy.model import Outcome, Policy, Statement

__all__ = ["excuse", "judge", "judged", "load", "overall", "simple"]

_WORST: Final[tuple[Outcome, ...]] = ("fail", "unknown", "pass")


def judged(
    scan: Scan,
    *,
    policy: Policy | None,
    now: float,
    vex: Sequence[Statement] = (),
    approved: Scan | None = None,
) -> Judged:
    """The scan as the policy's waivers and the statements have it, with its verdict; None for it without a policy.

    `vex` are statements besides those of the policy. `now` is in seconds since 1970.
    """
    statements = (*(policy.statements if policy else ()), *vex)
    notes = Said(statements, scan.inventory).notes(scan.findings)
    excused = excuse(scan, policy.waivers if policy else (), statements, now=now)
    if policy is None:
        return Judged(excused, notes=notes)
    verdict = judge(excused, policy, now=now, approved=approved)
    return Judged(excused, replace(verdict, notes=(*verdict.notes, *notes)), notes)


def overall(all_judged: Iterable[Judged]) -> Outcome:
    """The worst of the outcomes. Without a policy a scan passes if it is complete; it could not be told otherwise."""
    outcomes = {
        each.verdict.outcome if each.verdict else "pass" if each.scan.complete else "unknown"
        for each in all_judged
    }
    return next((outcome for outcome in _WORST if outcome in outcomes), "pass")
