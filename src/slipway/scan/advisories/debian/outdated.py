"""An inventory against the suites of its release: what is outdated, what that repairs, and what is from elsewhere.

A package is outdated when one of its suites has a newer version. APT says the same, as for it all these suites count
equally (apt_preferences(5): 500), and no others (backports: 100) are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from slipway.distro.version import key
from slipway.scan.advisories.debian import tables
from slipway.scan.advisories.debian.label import labels
from slipway.scan.advisories.plug import Matched
from slipway.scan.advisories.schema import troubles
from slipway.scan.classes import class_of
from slipway.scan.model import Finding, Outdated, Uncovered
from slipway.scan.times import seconds, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.scan.advisories.debian.changelog import Changelog
    from slipway.scan.advisories.debian.label import Label
    from slipway.scan.advisories.debian.support import Unsupported
    from slipway.scan.advisories.debian.tables import Available
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import Component, Feed, Inventory
    from slipway.settings import Settings

_RELEASE: Final = (
    "base-files"  # the package that says which release it is: what holds of it as a whole is said of that
)
_TRACKERS: Final = {
    "debian": "https://security-tracker.debian.org/tracker/",
    "ubuntu": "https://ubuntu.com/security/",
}
_DAY: Final = 86400


@dataclass
class _Found:
    findings: list[Finding] = field(default_factory=list)
    outdated: list[Outdated] = field(default_factory=list)
    covered: set[Component] = field(default_factory=set)
    foreign: list[Uncovered] = field(default_factory=list)
    feeds: list[Feed] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def match(inventory: Inventory, store: AdvisoryStore, settings: Settings, *, now: float) -> Matched:
    """`now` is in seconds since 1970. Packages of an architecture that has not been fetched are left to others."""
    kept = {feed.name: feed for feed in store.feeds()}
    found = _Found()
    for label, components in labels(inventory).items():
        if label.feed in kept:
            feed = kept[label.feed]
            found.feeds.append(feed)
            found.problems += _age(feed, settings, now)
            _Suites(store, label, feed, inventory, now).look(components, found)
    return Matched(
        tuple(found.findings),
        tuple(found.outdated),
        frozenset(found.covered),
        tuple(found.foreign),
        tuple(found.feeds),
        tuple(found.problems),
    )


class _Suites:
    """One feed, and what it says of some packages."""

    def __init__(
        self, store: AdvisoryStore, label: Label, feed: Feed, inventory: Inventory, now: float
    ) -> None:
        self._store = store
        self._label = label
        self._feed = feed
        self._inventory = inventory
        self._today = stamp(now)[:10]
        self._from = (f"{feed.name} {feed.date[:10]}",)
        self._tracker = _TRACKERS[inventory.system.id]

    def look(self, components: Sequence[Component], found: _Found) -> None:
        connection = self._store.connection
        with troubles(self._store.path):
            best = _best(tables.available(connection, self._label.feed, {c.name for c in components}))
            sources = {c.source_name or c.name for c in components}
            changelogs = tables.changelogs(connection, self._label.feed, sources)
            unsupported = tables.unsupported(connection, self._label.feed)
            ends = tables.ends(connection, self._label.feed) or ""
        for component in components:
            self._one(component, best.get(component.name), changelogs, found)
            found.findings += self._support(component, unsupported)
        if ends and ends < self._today:
            self._end(ends, components, found)

    def _one(
        self,
        component: Component,
        newest: Available | None,
        changelogs: dict[str, Changelog],
        found: _Found,
    ) -> None:
        source = component.source_name or component.name
        if newest is None or key(newest.version) < key(component.version):
            found.foreign.append(Uncovered(component, self._why(newest)))
            return
        found.covered.add(component)
        is_outdated = key(component.version) < key(newest.version)
        findings = self._repaired(component, newest if is_outdated else None, changelogs.get(source))
        found.findings += findings
        if is_outdated:
            ids = tuple(finding.id for finding in findings if finding.fixed)
            known = changelogs.get(source)
            complete = known.completeness(_source_version(component)) if known else "none"
            if key(newest.source_version) <= key(_source_version(component)):
                complete = "none"  # built again from the same source: its changelog cannot say why
            found.outdated.append(
                Outdated(component, newest.version, newest.suite, newest.is_security, ids, complete)
            )

    def _repaired(
        self, component: Component, newest: Available | None, changelog: Changelog | None
    ) -> list[Finding]:
        """What newer versions of its source repair: those that there are of the package itself, or only of others.

        The latter is the case for kernels, whose packages have names of their own for each version.
        """
        if changelog is None:
            return []
        version = _source_version(component)
        named: dict[str, str] = {}
        for entry in changelog.since(version):
            for name in entry.ids:
                named.setdefault(name, entry.version)
        findings = []
        for name, repaired in sorted(named.items()):
            here = newest is not None and key(repaired) <= key(newest.source_version)
            findings.append(
                Finding(
                    id=name,
                    component=component,
                    fixed=(newest.version,) if newest and here else (),
                    fix_state="fixed" if here else "not-fixed",
                    urls=(self._tracker + name,),
                    provenance=self._from,
                    class_=class_of(component),
                    completeness=changelog.completeness(version),
                )
            )
        return findings

    def _support(self, component: Component, unsupported: Iterable[Unsupported]) -> list[Finding]:
        """The first that is said of its source counts, as for check-support-status(1)."""
        source = component.source_name or component.name
        for said in unsupported:
            if said.since <= self._today and said.means(source):
                kind, title = ("NO-SUPPORT", f"{source} has no security support since {said.since}")
                if not said.since:
                    kind, title = ("LIMITED-SUPPORT", f"{source} has only limited security support")
                return [self._unsupported(component, f"{kind}-{source}", title, said.why)]
        return []

    def _end(self, ends: str, components: Sequence[Component], found: _Found) -> None:
        system = self._inventory.system
        title = f"{system.name or system.distro} gets no security updates since {ends}"
        holders = [c for c in components if c.name == _RELEASE]
        for component in holders:
            found.findings.append(
                self._unsupported(component, f"END-OF-LIFE-{system.id}-{self._label.codename}", title, "")
            )
        if not holders:
            found.problems.append(title)

    def _unsupported(self, component: Component, name: str, title: str, why: str) -> Finding:
        return Finding(
            id=name,
            component=component,
            status="no_support",
            fix_state="wont-fix",
            title=title,
            description=why,
            provenance=self._from,
            class_=class_of(component),
        )

    def _why(self, newest: Available | None) -> str:
        suites = f"the suites of {self._label.codename}"
        if newest is None:
            return f"it is not in {suites}"
        return f"it is newer than in {suites} ({newest.version} on {self._feed.date[:10]})"


def _best(rows: Iterable[Available]) -> dict[str, Available]:
    """The newest of each package; of two suites with the same one that of security."""
    best: dict[str, Available] = {}
    for row in rows:
        known = best.get(row.name)
        if known is None or _rank(row) > _rank(known):
            best[row.name] = row
    return best


def _rank(row: Available) -> tuple[object, bool, str]:
    return key(row.version), row.is_security, row.suite


def _source_version(component: Component) -> str:
    return component.source_version or component.version


def _age(feed: Feed, settings: Settings, now: float) -> list[str]:
    days = int((now - seconds(feed.date)) // _DAY)
    if settings.advisories_max_age and days > settings.advisories_max_age:
        return [f"the indexes of {feed.name} are {days} days old"]
    return []
