"""Findings of several sources as one list: what is the same weakness of the same component is said once."""

from __future__ import annotations

from dataclasses import replace
from functools import cmp_to_key, partial
from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern
from slipway.scan.advisories.osv import is_bulletin
from slipway.scan.severity import most_trusted
from slipway.scan.versions import IncomparableError, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.scan.model import Completeness, Component, Finding, FixState, Kind, Scan, Status, System

_CVE = pattern(r"CVE-([0-9]{4})-([0-9]{1,19})")
SCHEMES: Final[dict[Kind, str]] = {
    "deb": "dpkg",
    "rpm": "rpm",
    "apk": "apk",
    "pypi": "pep440",
    **dict.fromkeys(("npm", "cargo", "golang"), "semver"),
}
# The first of these that a source says is what counts.
_STATUS: Final[tuple[Status, ...]] = (
    "affected",
    "no_support",
    "under_investigation",
    "fixed",
    "not_affected",
)
_FIX: Final[tuple[FixState, ...]] = ("fixed", "wont-fix", "deferred", "not-fixed", "unknown")
_COMPLETE: Final[tuple[Completeness, ...]] = ("full", "truncated", "none")


def merge(scan: Scan, findings: Iterable[Finding]) -> Scan:
    """With what other scanners found. Theirs are laid on our components by kind, name, version and, where told, path.

    What they found in a component that we do not have is kept beside.
    """
    ours: dict[tuple[Kind, str, str], list[Component]] = {}
    for component in scan.inventory.components:
        ours.setdefault(_key(component), []).append(component)
    theirs: list[Finding] = []
    for finding in findings:
        same = ours.get(_key(finding.component), [])
        here = [component for component in same if component.path == finding.component.path]
        theirs += [replace(finding, component=component) for component in here or same or [finding.component]]
    return replace(scan, findings=together((*scan.findings, *theirs), scan.inventory.system))


def together(findings: Sequence[Finding], system: System) -> tuple[Finding, ...]:
    """Each weakness of each component once, sorted by component and id; of equals the first comes first.

    The id is a CVE where there is one. Bulletins (DSA-…, USN-…) join nothing: they are about many.
    """
    by_component: dict[Component, list[Finding]] = {}
    for finding in findings:
        by_component.setdefault(finding.component, []).append(finding)
    merged = [
        _one(group, system)
        for some in by_component.values()
        for group in (_groups(some) if len(some) > 1 else [some])
    ]
    return tuple(sorted(merged, key=order))


def order(finding: Finding) -> tuple[str, str, str, str, tuple[int, int, str]]:
    component = finding.component
    return component.kind, component.name, component.version, component.path, _number(finding.id)


def preferred(names: Iterable[str]) -> str:
    """The name by which most know it: the oldest CVE, or else the first by alphabet that is no bulletin."""
    return min(names, key=lambda name: (not _CVE.fullmatch(name), is_bulletin(name), _number(name)))


def _key(component: Component) -> tuple[Kind, str, str]:
    return component.kind, component.name.lower(), component.version


def _number(name: str) -> tuple[int, int, str]:
    """CVEs in the order of their numbers."""
    found = _CVE.fullmatch(name)
    return (int(found[1]), int(found[2]), "") if found else (0, 0, name)


def _groups(findings: list[Finding]) -> list[list[Finding]]:
    """Those that have a name in common, whatever the way (union-find)."""
    parents = list(range(len(findings)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = place = parents[parents[place]]
        return place

    first: dict[str, int] = {}
    for place, finding in enumerate(findings):
        for name in (finding.id, *(alias for alias in finding.aliases if not is_bulletin(alias))):
            one, other = sorted((root(place), root(first.setdefault(name, place))))
            parents[other] = one
    groups: dict[int, list[Finding]] = {}
    for place, finding in enumerate(findings):
        groups.setdefault(root(place), []).append(finding)
    return list(groups.values())


def _one(group: list[Finding], system: System) -> Finding:
    first = group[0]
    if len(group) == 1:
        return first
    names = dict.fromkeys(name for finding in group for name in (finding.id, *finding.aliases))
    name = preferred(names)
    fixed = _ascending(dict.fromkeys(v for finding in group for v in finding.fixed), first.component)
    return replace(
        first,
        id=name,
        aliases=tuple(sorted(names.keys() - {name})),
        status=min((f.status for f in group), key=_STATUS.index),
        fixed=fixed,
        fix_state="fixed" if fixed else min((f.fix_state for f in group), key=_FIX.index),
        severity=most_trusted((f.severity for f in group), system),
        title=_told(f.title for f in group),
        description=_told(f.description for f in group),
        urls=tuple(dict.fromkeys(url for f in group for url in f.urls)),
        provenance=tuple(dict.fromkeys(source for f in group for source in f.provenance)),
        class_=_told(f.class_ for f in group),
        completeness=min((f.completeness for f in group), key=_COMPLETE.index),
        first_seen=min((f.first_seen for f in group if f.first_seen), default=""),
        waiver=_told(f.waiver for f in group),
        vex=_told(f.vex for f in group),
        published=min((f.published for f in group if f.published), default=""),
        raw={key: value for f in reversed(group) for key, value in f.raw.items()},
    )


def _told(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _ascending(versions: Iterable[str], component: Component) -> tuple[str, ...]:
    try:
        return tuple(sorted(versions, key=cmp_to_key(partial(compare, SCHEMES.get(component.kind, "")))))
    except IncomparableError:
        return tuple(versions)
