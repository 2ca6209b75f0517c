"""Days in which a finding does not fail yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.scan.times import normal, seconds, stamp

if TYPE_CHECKING:
    from slipway.scan.model import Finding
    from slipway.scan.policy.model import Policy

_DAY: Final = 86400


def days_since(time: str, now: float) -> float | None:
    """How long ago that was, in days; None when it is no time, or still to come."""
    try:
        begun = seconds(normal(time))
    except (InputError, ValueError):
        return None
    return (now - begun) / _DAY if begun <= now else None


def begun(finding: Finding, policy: Policy) -> str:
    """When the days begin; empty when that is not known."""
    return finding.first_seen if policy.grace_from == "first-seen" else finding.published


def ends(time: str, policy: Policy, now: float) -> str:
    """The day on which the days of grace end that began at `time`; empty when they have ended, or it is not known that they began."""
    age = days_since(time, now)
    if age is None or age >= policy.grace:
        return ""
    return stamp(now + (policy.grace - age) * _DAY)[:10]
