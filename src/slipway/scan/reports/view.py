"""A scan as people look at it: by package, the worst first and of equals what can be repaired, and what is to be said besides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cmp_to_key, partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from slipway.scan.inventory.words import is_address
from slipway.scan.merge import SCHEMES
from slipway.scan.model import Level
from slipway.scan.times import seconds
from slipway.scan.versions import IncomparableError, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.scan.model import Component, Finding, Outdated, Scan

HEADERS: Final = "headers"  # of `Finding.class_`
WORST_FIRST: Final = tuple(sorted(Level, reverse=True))
_FIX: Final = {
    "wont-fix": "will not be fixed",
    "deferred": "put off",
    "not-fixed": "no fix yet",
    "unknown": "no fix known",
}


@dataclass(frozen=True, slots=True)
class Package:
    """One package in one version, in however many `places` of the image. `open` is what counts, `excused` what does not; worst first."""

    component: Component
    places: int
    open: tuple[Finding, ...]
    excused: tuple[Finding, ...]
    outdated: Outdated | None = None

    @property
    def level(self) -> Level:
        return max((finding.severity.level for finding in self.open or self.excused), default=Level.UNKNOWN)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*self.open, *self.excused)

    @property
    def fixable(self) -> int:
        return sum(finding.fixable for finding in self.open)

    @property
    def fix(self) -> str:
        """The version to go to: with it all is repaired that can be. Empty: there is none."""
        if self.outdated:
            return self.outdated.available
        wanted = [finding.fixed[0] for finding in self.open or self.excused if finding.fixed]
        return _highest(wanted, self.component)

    @property
    def lower_bound(self) -> bool:
        """Whether more is wrong with it than is known by name."""
        known = [finding.completeness for finding in self.findings]
        known += [self.outdated.completeness] if self.outdated else []
        return any(completeness != "full" for completeness in known)


def packages(scan: Scan, *, headers: bool = False) -> tuple[Package, ...]:
    """Those with findings, the worst first; those that only hold headers (`headers`) are apart from all others."""
    outdated = {o.component: o for o in scan.outdated}
    by_package: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in scan.findings:
        if (finding.class_ == HEADERS) is headers:
            component = finding.component
            by_package.setdefault((component.kind, component.name, component.version), []).append(finding)
    found = []
    for findings in by_package.values():
        component = findings[0].component
        once = {f.id: f for f in reversed(findings)}
        once.update((f.id, f) for f in findings if f.open)
        ranked = sorted(once.values(), key=_rank)
        found.append(
            Package(
                component,
                len({finding.component for finding in findings}),
                tuple(f for f in ranked if f.open),
                tuple(f for f in ranked if not f.open),
                outdated.get(component),
            )
        )
    return tuple(sorted(found, key=_weight))


def nameless(scan: Scan) -> tuple[Outdated, ...]:
    """Packages that are outdated without a finding: why they were renewed is not known by name. Security first."""
    told = {finding.component for finding in scan.findings}
    return tuple(sorted((o for o in scan.outdated if o.component not in told), key=lambda o: not o.security))


def uncovered(scan: Scan) -> dict[str, tuple[Component, ...]]:
    """The components of which nothing is known, by the reason; the reason with the most of them first."""
    found: dict[str, list[Component]] = {}
    for each in scan.uncovered:
        found.setdefault(each.why, []).append(each.component)
    return {
        why: tuple(some) for why, some in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    }


def incomplete(scan: Scan) -> tuple[str, ...]:
    """All that kept the scan from being complete."""
    return (*scan.problems, *(f"not read: {text}" for text in scan.inventory.unread))


def nothing(scan: Scan) -> str:
    """What to say of a scan without findings that count."""
    if not scan.complete:
        return "nothing found, but not all could be looked at"
    return "nothing known to be wrong" if scan.packaged else "no packages found: nothing can be known"


def fix_words(finding: Finding) -> str:
    """The versions in which it is repaired, or why there is none."""
    if finding.fixed:
        return ", ".join(finding.fixed)
    if finding.status == "no_support":
        return "limited support" if finding.id.startswith("LIMITED-") else "no support any more"
    if finding.fix_state == "fixed":
        return "fixed"
    return "being looked into" if finding.status == "under_investigation" else _FIX[finding.fix_state]


def package_fix(package: Package) -> str:
    """For a column: the version to go to, and how much of it that repairs, if not all."""
    shown = package.open or package.excused
    if not package.fix:
        return fix_words(shown[0]) if shown else ""
    mended = sum(finding.fixable for finding in shown)
    return package.fix if mended == len(shown) else f"{package.fix} ({mended} of {len(shown)})"


def excuse(finding: Finding) -> str:
    """Why it does not count; empty when it does."""
    if finding.waiver:
        return f"waived: {finding.waiver}"
    if finding.vex:
        return f"VEX: {finding.vex}"
    return {"fixed": "fixed already", "not_affected": "not affected"}.get(finding.status, "")


def address(finding: Finding) -> str:
    """Where to read about it: the first address that is one of the web; empty: there is none."""
    return next(iter(addresses(finding.urls)), "")


def addresses(urls: Iterable[str]) -> tuple[str, ...]:
    """Those of the web: what feeds say is not trusted, and may be a script."""
    return tuple(
        url for url in urls if url.startswith(("http://", "https://")) and is_address(url) and _host(url)
    )


def ages(scan: Scan) -> tuple[tuple[str, str], ...]:
    """The feeds that were used, each with how old its data was at the time of the scan."""
    return tuple((feed.name, _age(feed.date, scan.time)) for feed in scan.feeds)


def _age(date: str, now: str) -> str:
    if not date or not now:
        return "of unknown age"
    try:
        days = int((seconds(now) - seconds(date)) // 86400)
    except ValueError:
        return "of unknown age"
    return "of today" if days <= 0 else f"{days} day{'s' * (days > 1)} old"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _rank(finding: Finding) -> tuple[int, bool, float, str]:
    severity = finding.severity
    return -severity.level, not finding.fixable, -severity.score, finding.id


def _weight(package: Package) -> tuple[bool, int, bool, int, str, str, str]:
    component = package.component
    level = package.level
    worst = sum(finding.severity.level is level for finding in package.findings)
    return (
        not package.open,
        -level,
        not package.fix,
        -worst,
        component.name,
        component.kind,
        component.version,
    )


def _highest(versions: Sequence[str], component: Component) -> str:
    try:
        order = cmp_to_key(partial(compare, SCHEMES.get(component.kind, "")))
        return max(versions, key=order, default="")
    except IncomparableError:
        return versions[-1]
