"""An inventory against the advisories that are here: what is known of each component, and of which nothing can be known.

Kinds of feeds that match by themselves come first; what they neither cover nor call foreign is looked up by ecosystem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from slipway.scan.advisories.needed import feeds_of
from slipway.scan.advisories.plug import matching
from slipway.scan.classes import class_of
from slipway.scan.merge import preferred, together
from slipway.scan.model import Feed, Finding, Scan, Uncovered
from slipway.scan.severity import most_trusted
from slipway.scan.times import seconds, stamp
from slipway.scan.versions import IncomparableError, affected, fixes, lookups

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import Advisory, Affected, Component, Inventory, System
    from slipway.settings import Settings

_DAY: Final = 86400
_BACKPORT: Final = "~bpo"


@dataclass
class _Hit:
    """An advisory about a component; `version` is the one it means: of the component, or of its source."""

    component: Component
    version: str
    entry: Affected
    number: int


@dataclass
class _Search:
    """What the lookups have found so far."""

    hits: list[_Hit] = field(default_factory=list)
    covered: set[Component] = field(default_factory=set)
    unclear: dict[Component, str] = field(default_factory=dict)
    feeds: set[str] = field(default_factory=set)
    missing: set[Component] = field(default_factory=set)


def scan(
    inventory: Inventory, store: AdvisoryStore, settings: Settings, reporter: Reporter, *, now: float
) -> Scan:
    """`now` is in seconds since 1970: by it the age of feeds is told. No network is used.

    What another package brought (`owner`) is left to that package. `problems` of the result say what is missing.
    """
    components = [component for component in inventory.components if not component.owner]
    own = [kind.match(inventory, store, settings, now=now) for kind in matching({c.kind for c in components})]
    foreign = {uncovered.component: uncovered for matched in own for uncovered in matched.foreign}
    covered = {component for matched in own for component in matched.covered}
    for component in components:
        if component.kind == "deb" and _BACKPORT in component.version and component not in foreign:
            why = "it is a backport, of which the advisories of its release do not speak"
            foreign[component] = Uncovered(component, why)
    wanted = feeds_of(inventory)
    search = _look_up([c for c in components if c not in foreign], inventory.system, store, covered)
    kept = {feed.name: feed for feed in store.feeds()}
    known = store.advisories({hit.number for hit in search.hits})
    used = search.feeds | {advisory.feed for advisory in known.values()}
    feeds = {name: kept[name] for name in used} | {f.name: f for m in own for f in m.feeds}
    findings = [finding for matched in own for finding in matched.findings]
    for hit in search.hits:
        findings += _of_hit(hit, known[hit.number], inventory.system, kept)
    uncovered = [
        *foreign.values(),
        *_uncovered(components, inventory.system, search, covered | foreign.keys(), wanted),
    ]
    reporter.log(f"{len(components)} components, {len(findings)} findings of {len(feeds)} feeds")
    return Scan(
        inventory,
        together(findings, inventory.system),
        tuple(o for matched in own for o in matched.outdated),
        tuple(sorted(uncovered, key=_place)),
        tuple(feeds[name] for name in sorted(feeds)),
        (*(p for m in own for p in m.problems), *_problems(search, wanted, kept, settings, now)),
        stamp(now),
    )


def _look_up(
    components: list[Component], system: System, store: AdvisoryStore, covered: set[Component]
) -> _Search:
    """One question for each ecosystem, about all its packages at once."""
    search = _Search()
    spoken_of = store.covers()
    wanted: dict[str, dict[str, list[tuple[Component, str]]]] = {}
    for component in components:
        for ecosystem, name, version in lookups(component, system):
            if ecosystem in spoken_of:
                wanted.setdefault(ecosystem, {}).setdefault(name, []).append((component, version))
                search.covered.add(component)
                search.feeds.update(spoken_of[ecosystem])
        if component not in search.covered and component not in covered:
            search.missing.add(component)
    for ecosystem, names in sorted(wanted.items()):
        for number, entry in store.affected(ecosystem, names):
            for component, version in names[entry.name]:
                try:
                    if affected(entry, version):
                        search.hits.append(_Hit(component, version, entry, number))
                except IncomparableError as error:
                    search.unclear.setdefault(component, error.brief)
    return search


def _of_hit(hit: _Hit, advisory: Advisory, system: System, feeds: dict[str, Feed]) -> list[Finding]:
    """One finding, or one for each CVE of a bulletin; none when it was withdrawn."""
    if advisory.withdrawn:
        return []
    feed = feeds[advisory.feed]
    names = (advisory.id, *advisory.aliases)
    cves = [name for name in advisory.upstream if name.startswith("CVE-")]
    if any(name.startswith("CVE-") for name in names) or not cves:
        cves = [preferred(names)]
    fixed = fixes(hit.entry, hit.version)
    return [
        Finding(
            id=name,
            component=hit.component,
            aliases=tuple(sorted({*names} - {name})),
            fixed=fixed,
            fix_state="fixed" if fixed else hit.entry.fix_state,
            severity=most_trusted((hit.entry.severity, advisory.severity), system),
            title=advisory.summary,
            description=advisory.details,
            urls=advisory.urls,
            provenance=(f"{feed.name} {feed.date[:10]}".rstrip(),),
            class_=class_of(hit.component),
            published=advisory.published,
        )
        for name in cves
    ]


def _uncovered(
    components: list[Component],
    system: System,
    search: _Search,
    done: set[Component],
    wanted: dict[Component, str],
) -> list[Uncovered]:
    """All of which we cannot say that they are well, each with the reason."""
    found = []
    for component in components:
        if why := search.unclear.get(component):
            found.append(Uncovered(component, f"advisories name it, but {why}"))
        elif component.direct_url:
            found.append(Uncovered(component, f"it is not from an index, but from {component.direct_url}"))
        elif component not in done and component not in search.covered:
            found.append(Uncovered(component, _why(component, system, wanted)))
    return found


def _why(component: Component, system: System, wanted: dict[Component, str]) -> str:
    if component in wanted:
        return _not_fetched(wanted[component])
    if component.kind in ("deb", "apk", "rpm"):
        shown = system.name or system.distro or "a system that does not say what it is"
        return f"no feed knows the packages of {shown}"
    return f"no feed knows {component.kind} packages"


def _not_fetched(feed: str) -> str:
    return f"the advisories of {feed} have not been fetched"


def _problems(
    search: _Search, wanted: dict[Component, str], feeds: dict[str, Feed], settings: Settings, now: float
) -> list[str]:
    found = [_not_fetched(name) for name in sorted({wanted[c] for c in search.missing if c in wanted})]
    for name in sorted(search.feeds) if settings.advisories_max_age else ():
        date = feeds[name].date
        days = int((now - seconds(date)) // _DAY) if date else None
        if days is None:
            found.append(f"it is not known how old the advisories of {name} are")
        elif days > settings.advisories_max_age:
            found.append(f"the advisories of {name} are {days} days old")
    return found


def _place(uncovered: Uncovered) -> tuple[str, str, str, str]:
    component = uncovered.component
    return component.kind, component.name, component.version, component.path
