"""The rules of a policy in words, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.scan.policy.findings import asks
from slipway.scan.policy.standing import holds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.policy.model import Policy, Unclear, Waiver


def rules(policy: Policy) -> tuple[str, ...]:
    """One line for each."""
    return tuple(_lines(policy))


def waivers(policy: Policy, day: str) -> tuple[str, ...]:
    """Each waiver as it stands on that day (`2026-12-31`)."""
    return tuple(f"{_what(w)}: {_state(w, day)}; {w.reason} ({w.owner}; {w.where})" for w in policy.waivers)


def _lines(policy: Policy) -> Iterator[str]:
    if not asks(policy):
        yield "no finding fails by its severity"
    fix = " that have a fix" if policy.only_fixable else ""
    if policy.severity is not None:
        which = "new findings" if policy.only_new else "findings"
        yield f"{which}{fix} fail from severity {policy.severity} on"
    if policy.new_severity is not None:
        yield f"new findings{fix} fail from severity {policy.new_severity} on"
    if asks(policy):
        yield {
            "fail": "findings of unknown severity fail",
            "fixable": "findings of unknown severity fail if there is a fix",
            "pass": "findings of unknown severity do not fail",
        }[policy.unknown_severity]
        if not policy.headers:
            yield "findings in packages of headers do not fail"
        if policy.grace:
            begin = {"first-seen": "it was first seen", "published": "it was published"}[policy.grace_from]
            yield f"a finding does not fail before {policy.grace} days after {begin}"
    unrated = asks(policy) and policy.unknown_severity != "pass"
    yield {
        "always": "packages fail for which a security suite has a newer version",
        "unrated": "packages fail for which a security suite has a newer version, if it is not known all that it mends"
        if unrated
        else "packages for which a security suite has a newer version do not fail for that",
        "never": "packages for which a security suite has a newer version do not fail for that",
    }[policy.outdated]
    yield f"packages that no feed knows: {_answer(policy.uncovered)}"
    yield f"packages without support: {_answer(policy.no_support)}"
    if policy.feeds_age:
        yield f"advisories older than {policy.feeds_age} days: the outcome is unknown"
    yield "a scan that is not complete: the outcome is unknown"
    if policy.longest_waiver:
        yield f"a waiver holds for at most {policy.longest_waiver} days"


def _answer(unclear: Unclear) -> str:
    return {"fail": "they fail", "unknown": "the outcome is unknown", "allow": "they do not fail"}[unclear]


def _what(waiver: Waiver) -> str:
    package = f" in {waiver.package}" if waiver.package else ""
    return f"{waiver.id}{package}{f' of {waiver.image}' if waiver.image else ''}"


def _state(waiver: Waiver, day: str) -> str:
    if holds(waiver, day):
        return f"until {waiver.expires}"
    return f"begins on {waiver.since}" if day < waiver.since else f"ended on {waiver.expires}"
