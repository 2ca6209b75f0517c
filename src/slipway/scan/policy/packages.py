"""Which packages fail, or leave the outcome open: outdated, without support, or known to no feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.scan.classes import class_of
from slipway.scan.fingerprint import fingerprint
from slipway.scan.merge import order
from slipway.scan.policy.findings import asks
from slipway.scan.policy.grace import begun, ends
from slipway.scan.policy.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.model import Component, Finding, Outdated
    from slipway.scan.policy.case import Case
    from slipway.scan.policy.model import Policy

_NAMED: Final = 8  # packages in one reason


def outdated(case: Case) -> Iterator[Reason]:
    """Packages for which a security suite has a newer version."""
    scan, policy = case.scan, case.policy
    by_package: dict[Component, list[Finding]] = {}
    for finding in scan.findings:
        by_package.setdefault(finding.component, []).append(finding)
    for entry in sorted(scan.outdated, key=_rank):
        about = by_package.get(entry.component, [])
        waivers = case.waivers.of(entry.component, ["outdated"])
        if (
            not _counts(entry, about, policy)
            or (policy.only_new and case.approved.has_outdated(entry))
            or case.waivers.holding(waivers)
            or _graced(entry, about, policy, case.now)
        ):
            continue
        component = entry.component
        ids = f", which mends {', '.join(entry.ids)}" if entry.ids else ""
        more = " and maybe more" if entry.ids and entry.completeness != "full" else ""
        text = f"{component.name} {component.version}: {entry.suite} has {entry.available}{ids}{more}"
        yield Reason("outdated", text + case.waivers.lapsed(waivers))


def _counts(entry: Outdated, about: list[Finding], policy: Policy) -> bool:
    """Whether the policy lets it fail. Where all that a version mends is known, the findings say it better."""
    apart = class_of(entry.component) == "headers" and not policy.headers
    if not entry.security or policy.outdated == "never" or apart:
        return False
    if policy.outdated == "always":
        return True
    named = {name for finding in about for name in (finding.id, *finding.aliases)}
    rated = bool(entry.ids) and entry.completeness == "full" and named.issuperset(entry.ids)
    return asks(policy) and policy.unknown_severity != "pass" and not rated


def _graced(entry: Outdated, about: list[Finding], policy: Policy, now: float) -> bool:
    """Whether what it would mend is within the days of grace, as far as that is known."""
    named = set(entry.ids)
    mended = [f for f in about if not named.isdisjoint((f.id, *f.aliases))]
    return bool(mended) and all(ends(begun(finding, policy), policy, now) for finding in mended)


def no_support(case: Case) -> Iterator[Reason]:
    """Packages that their distribution does not mend."""
    if case.policy.no_support == "allow":
        return
    for finding in sorted(case.scan.findings, key=order):
        if finding.status == "no_support" and finding.open:
            lapsed = case.waivers.lapsed(case.waivers.of_finding(finding))
            component = finding.component
            told = f": {finding.title}" if finding.title else ""
            text = f"{component.name} {component.version} has no support{told}{lapsed}"
            mark = fingerprint(case.scan.inventory.name, finding)
            yield Reason("no-support", text, mark, case.policy.no_support)


def uncovered(case: Case) -> Iterator[Reason]:
    """Packages that no feed knows: one reason for all with the same cause. Where there are no packages, nobody knows anything."""
    if case.policy.uncovered == "allow":
        return
    if case.scan.complete and not case.scan.packaged:
        yield Reason(
            "uncovered", "no packages were found in it: nothing can be known", outcome=case.policy.uncovered
        )
    by_cause: dict[str, list[Component]] = {}
    for entry in case.scan.uncovered:
        waivers = case.waivers.of(entry.component, ["uncovered"])
        if not case.waivers.holding(waivers):
            cause = entry.why + case.waivers.lapsed(waivers)
            by_cause.setdefault(cause, []).append(entry.component)
    for cause, components in sorted(by_cause.items()):
        names = [f"{c.name} {c.version}".rstrip() for c in sorted(components, key=_place)]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        text = f"nothing can be known of {', '.join(names[:_NAMED])}{more}: {cause}"
        yield Reason("uncovered", text, outcome=case.policy.uncovered)


def _rank(entry: Outdated) -> tuple[object, ...]:
    """Nothing is left to the order in which they came."""
    return (
        _place(entry.component),
        entry.available,
        entry.suite,
        entry.ids,
        entry.completeness,
        entry.security,
    )


def _place(component: Component) -> tuple[str, str, str, str]:
    return component.kind, component.name, component.version, component.path
