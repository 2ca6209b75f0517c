"""What a distribution says of the weaknesses that ECR found: of that package, or its source, in that release.

The same CVE can be mended in one package and open in another, so it is not enough to look up the CVE.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from slipway.scan.advisories.osv import is_bulletin
from slipway.scan.advisories.plug import matching
from slipway.scan.versions import IncomparableError, affected, fixes, lookups

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import (
        Affected,
        Component,
        Finding,
        FixState,
        Inventory,
        Status,
        System,
    )
    from slipway.scan.versions import Lookup
    from slipway.settings import Settings

# The first of these that a feed says is what counts.
_STATUS: Final[tuple[Status, ...]] = ("affected", "under_investigation", "fixed", "not_affected")
_FIX: Final[tuple[FixState, ...]] = ("fixed", "wont-fix", "deferred", "not-fixed", "unknown")
_UNDECIDED: Final = ("needs-triage", "undetermined")
# Words that tell nothing of a package that is installed: mended in a version that is not told; not part of the release.
_SILENT: Final = ("released", "DNE")


class Said(NamedTuple):
    """What one feed says of one weakness of one package; `source` as in `Finding.provenance`."""

    status: Status
    fix_state: FixState
    fixed: tuple[str, ...]
    source: str


Key = tuple["Component", str]


def join(
    findings: Sequence[Finding],
    inventory: Inventory,
    store: AdvisoryStore,
    settings: Settings,
    *,
    now: float,
) -> tuple[Finding, ...]:
    """The findings with the distribution's status where a feed tells one; all others as they are. `now` is in Unix seconds.

    Severities stay those of the findings.
    """
    components = tuple(dict.fromkeys(finding.component for finding in findings))
    told = _in_store(components, inventory.system, store)
    for key, said in _in_suites(components, inventory, store, settings, now):
        told.setdefault(key, []).append(said)
    return tuple(_joined(finding, _about(finding, told)) for finding in findings)


def _in_store(components: Iterable[Component], system: System, store: AdvisoryStore) -> dict[Key, list[Said]]:
    wanted: dict[str, dict[str, list[tuple[Component, Lookup]]]] = {}
    for component in components:
        for asked in lookups(component, system) if component.version else ():
            wanted.setdefault(asked.ecosystem, {}).setdefault(asked.name, []).append((component, asked))
    rows = [
        (number, entry, component, asked.version)
        for ecosystem, names in sorted(wanted.items())
        for number, entry in store.affected(ecosystem, names)
        for component, asked in names[entry.name]
    ]
    known = store.advisories({number for number, *_ in rows})
    sources = {feed.name: f"{feed.name} {feed.date[:10]}".rstrip() for feed in store.feeds()}
    told: dict[Key, list[Said]] = {}
    for number, entry, component, version in rows:
        advisory = known[number]
        if advisory.withdrawn or not (said := _said(entry, version, sources[advisory.feed])):
            continue
        for name in (advisory.id, *advisory.aliases, *advisory.upstream):
            told.setdefault((component, name), []).append(said)
    return told


def _said(entry: Affected, version: str, source: str) -> Said | None:
    try:
        hit = affected(entry, version)
    except IncomparableError:
        return None
    if hit:
        status: Status = "under_investigation" if entry.status in _UNDECIDED else "affected"
        fixed = fixes(entry, version)
        return Said(status, "fixed" if fixed else entry.fix_state, fixed, source)
    if any(span.fixed for span in entry.ranges):
        return Said("fixed", "fixed", (), source)
    if entry.status in _SILENT:
        return None
    return Said("not_affected", "unknown", (), source)


def _in_suites(
    components: Sequence[Component],
    inventory: Inventory,
    store: AdvisoryStore,
    settings: Settings,
    now: float,
) -> Iterable[tuple[Key, Said]]:
    """Kinds of feeds that match by themselves know what is mended in a newer version, and nothing of what is not."""
    have = inventory.components or components
    sources: dict[str, list[Component]] = {}
    for component in components:
        sources.setdefault(component.source_name or component.name, []).append(component)
    for kind in matching({component.kind for component in have}):
        matched = kind.match(replace(inventory, components=tuple(have)), store, settings, now=now)
        for finding in matched.findings:
            theirs = finding.component
            for component in sources.get(theirs.source_name or theirs.name, ()):
                if component.kind == theirs.kind and finding.open:
                    said = Said("affected", finding.fix_state, finding.fixed, finding.provenance[0])
                    yield (component, finding.id), said


def _about(finding: Finding, told: dict[Key, list[Said]]) -> list[Said]:
    """Bulletins are about many: they count where they name this weakness, not by their own names."""
    names = (finding.id, *(alias for alias in finding.aliases if not is_bulletin(alias)))
    return [said for name in names for said in told.get((finding.component, name), ())]


def _joined(finding: Finding, said: list[Said]) -> Finding:
    if not said:
        return finding
    status = min((s.status for s in said), key=_STATUS.index)
    speaking = [s for s in said if s.status == status]
    fixed = tuple(dict.fromkeys(version for s in speaking for version in s.fixed))
    return replace(
        finding,
        status=status,
        fixed=fixed,
        fix_state="fixed" if fixed else min((s.fix_state for s in speaking), key=_FIX.index),
        provenance=tuple(dict.fromkeys((*finding.provenance, *(s.source for s in speaking)))),
    )
