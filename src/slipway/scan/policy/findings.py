"""Which findings fail: by severity, by whether there is a fix, by age, and by whether they are new."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slipway.scan.fingerprint import fingerprint
from slipway.scan.merge import order
from slipway.scan.model import Level
from slipway.scan.policy.grace import begun, ends
from slipway.scan.policy.model import Reason

if TYPE_CHECKING:
    from slipway.scan.model import Finding
    from slipway.scan.policy.case import Case
    from slipway.scan.policy.model import Policy


class Broken(NamedTuple):
    reasons: list[Reason]
    notes: list[str]


def judge(case: Case) -> Broken:
    """The findings that fail, the worst first."""
    scan, policy, approved, waivers = case.scan, case.policy, case.approved, case.waivers
    reasons: list[Reason] = []
    waiting: list[str] = []
    apart = 0
    for finding in sorted(scan.findings, key=lambda f: (-f.severity.level, order(f), f.aliases, f.fixed)):
        if not finding.open or finding.status == "no_support":
            continue
        new = not approved.has(finding)
        if not (rule := _rule(finding, policy, new=new)):
            continue
        if finding.class_ == "headers" and not policy.headers:
            apart += 1
        elif end := ends(begun(finding, policy), policy, case.now):
            waiting.append(end)
        else:
            text = _text(finding, new=new and approved.given) + waivers.lapsed(waivers.of_finding(finding))
            reasons.append(Reason(rule, text, fingerprint(scan.inventory.name, finding)))
    notes = []
    if waiting:
        notes.append(
            f"{_count(len(waiting), 'finding')} within the days of grace, the first until {min(waiting)}"
        )
    if apart:
        notes.append(f"{_count(apart, 'finding')} in packages of headers only: they do not count")
    return Broken(reasons, notes)


def asks(policy: Policy) -> bool:
    """Whether the policy asks for anything about findings."""
    return policy.severity is not None or policy.new_severity is not None


def _rule(finding: Finding, policy: Policy, *, new: bool) -> str:
    """The key of the policy by which it fails; empty if it does not."""
    least: list[tuple[str, Level]] = []
    if policy.severity is not None and (new or not policy.only_new):
        least.append(("severity", policy.severity))
    if policy.new_severity is not None and new:
        least.append(("new-severity", policy.new_severity))
    if not least or (policy.only_fixable and not finding.fixable):
        return ""
    if finding.severity.level is Level.UNKNOWN:
        fails = policy.unknown_severity == "fail" or (
            policy.unknown_severity == "fixable" and finding.fixable
        )
        return "unknown-severity" if fails else ""
    return next((rule for rule, level in least if finding.severity.level >= level), "")


def _text(finding: Finding, *, new: bool) -> str:
    component = finding.component
    if finding.fixed:
        fix = f"fixed in {', '.join(finding.fixed)}"
    elif finding.fix_state == "fixed":
        fix = "there is a fix"
    else:
        fix = "will not be fixed" if finding.fix_state == "wont-fix" else "no fix"
    severity = f"severity {finding.severity.level}"
    return f"{component.name} {component.version}: {finding.id}, {severity}, {fix}" + (
        "; new since the approved scan" if new else ""
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what} is" if number == 1 else f"{number} {what}s are"
