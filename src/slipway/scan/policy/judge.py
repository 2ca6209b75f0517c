"""`judge`: what a policy says of a scan, and why.

What could not be told is never a pass: a scan that is not complete, a package that no feed knows, a severity or an age that
nobody has told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.scan.policy import findings, packages
from slipway.scan.policy.case import Approved, Case
from slipway.scan.policy.grace import days_since
from slipway.scan.policy.model import Reason, Verdict
from slipway.scan.policy.standing import Waivers, today

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.model import Scan
    from slipway.scan.policy.model import Outcome, Policy

_ORDER: Final = ("fail", "unknown")


def judge(scan: Scan, policy: Policy, *, now: float, approved: Scan | None = None) -> Verdict:
    """The verdict on a scan whose findings have been excused (`excuse`) at `now`, in seconds since 1970.

    `approved` is the scan of what was released the last time. Reasons why it fails come first, the worst before others; the order
    in which a scan has its findings does not matter. Every reason is there, whatever the outcome is by the others.
    """
    waivers = Waivers(policy.waivers, scan.inventory, today(now))
    case = Case(scan, policy, waivers, Approved.of(approved), now)
    broken = findings.judge(case)
    reasons = [
        *broken.reasons,
        *packages.outdated(case),
        *packages.no_support(case),
        *packages.uncovered(case),
        *_feeds(scan, policy, now),
        *(Reason("incomplete", text, outcome="unknown") for text in (*scan.problems, *scan.inventory.unread)),
    ]
    reasons = sorted(dict.fromkeys(reasons), key=lambda reason: _ORDER.index(reason.outcome))
    outcome: Outcome = reasons[0].outcome if reasons else "pass"
    told = [*waivers.notes(scan), *broken.notes]
    if approved is None and (policy.only_new or policy.new_severity is not None):
        told.append("there is no approved scan to compare with: all findings count as new")
    return Verdict(outcome, tuple(reasons), tuple(told))


def _feeds(scan: Scan, policy: Policy, now: float) -> Iterator[Reason]:
    """Advisories that are older than they may be."""
    if not policy.feeds_age:
        return
    for feed in sorted(scan.feeds, key=lambda feed: (feed.name, feed.date)):
        age = days_since(feed.date, now)
        if age is None:
            yield Reason("feeds-age", f"it is not known how old {feed.name} is", outcome="unknown")
        elif age > policy.feeds_age:
            text = f"{feed.name} is {int(age)} days old, and at most {policy.feeds_age} are allowed"
            yield Reason("feeds-age", text, outcome="unknown")
    if scan.inventory.components and not scan.feeds:
        yield Reason("feeds-age", "no advisories were used", outcome="unknown")
