"""What is known of the packages that a tree pins: our own matcher, asked about all files at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from slipway.scan import match
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.inventory.model import Package
from slipway.scan.inventory.purl import purl
from slipway.scan.model import Component, Inventory, Level, System
from slipway.scan.source.model import Gap, Result, Rule
from slipway.scan.source.pins.read import CHECK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.events import Reporter
    from slipway.scan.model import Finding
    from slipway.scan.source import model
    from slipway.scan.source.pins.model import Pin
    from slipway.settings import Settings

_LEVELS: Final[dict[Level, model.Level]] = {
    Level.UNKNOWN: "warning",  # nobody has said that it is harmless
    Level.NEGLIGIBLE: "note",
    Level.LOW: "note",
    Level.MEDIUM: "warning",
    Level.HIGH: "error",
    Level.CRITICAL: "error",
}
_MANY: Final = 3  # packages of a file with the same fate that are named one by one

Audited = tuple[list[Result], list[Gap], dict[str, Rule]]


def audit(found: Sequence[tuple[str, Pin]], settings: Settings, reporter: Reporter, *, now: float) -> Audited:
    """`found` are paths and what they pin; `now` is in seconds since 1970. What no feed knows is a gap."""
    lines: dict[Component, int] = {}
    systems: dict[System, set[Component]] = {}  # advisories are for the packages of one
    for path, pin in found:
        component = _component(path, pin)
        lines.setdefault(component, pin.line)
        systems.setdefault(pin.system, set()).add(component)
    if not lines:
        return [], [], {}
    open_ones: list[Finding] = []
    problems: dict[str, None] = {}
    uncovered: list[tuple[Component, str]] = []
    with AdvisoryStore.of(settings) as store:
        for system, components in systems.items():
            order = sorted(components, key=lambda c: (c.kind, c.name, c.version, c.path))
            inventory = Inventory("source", system=system, components=tuple(order))
            scan = match.scan(inventory, store, settings, reporter, now=now)
            open_ones += [finding for finding in scan.findings if finding.open]
            problems |= dict.fromkeys(scan.problems)
            uncovered += [(each.component, each.why) for each in scan.uncovered]
    results = [_result(finding, lines[finding.component]) for finding in open_ones]
    rules = {finding.id: _rule(finding) for finding in open_ones}
    gaps = [Gap(CHECK, "no-advisories", problem) for problem in problems]
    return results, [*gaps, *_uncovered(uncovered, lines)], rules


def _component(path: str, pin: Pin) -> Component:
    package = Package(
        pin.kind,
        pin.name,
        pin.version,
        pin.arch,
        pin.source_name,
        pin.source_version,
        direct_url=pin.origin,
    )
    return Component(
        pin.kind,
        pin.name,
        pin.version,
        purl(package, pin.system),
        pin.source_name,
        pin.source_version,
        pin.arch,
        path,
        direct_url=pin.origin,
    )


def _uncovered(rows: Sequence[tuple[Component, str]], lines: dict[Component, int]) -> list[Gap]:
    """One for each package, or one for all of a file that share a reason."""
    groups = Counter((component.path, component.kind, why) for component, why in rows)
    gaps = [
        Gap(CHECK, "uncovered", f"{count} {kind} packages: {why}", path)
        for (path, kind, why), count in groups.items()
        if count > _MANY
    ]
    return gaps + [
        Gap(CHECK, "uncovered", f"{c.name} {c.version}: {why}", c.path, lines[c])
        for c, why in rows
        if groups[c.path, c.kind, why] <= _MANY
    ]


def _result(finding: Finding, line: int) -> Result:
    component = finding.component
    fixed = f"fixed in {', '.join(finding.fixed)}" if finding.fixed else "no fix is known"
    title = f": {finding.title}" if finding.title else ""
    return Result(
        CHECK,
        finding.id,
        _LEVELS[finding.severity.level],
        component.path,
        f"{component.name} {component.version} has {finding.id}{title} ({finding.severity.level}; {fixed})",
        line,
        # without its version: it is the same until it is mended
        text=f"{component.kind} {component.name}",
        also=finding.aliases,
    )


def _rule(finding: Finding) -> Rule:
    title = finding.title or f"{finding.component.name}: {finding.id}"
    score = finding.severity.score
    tags = ("security", f"cvss/{score:.1f}") if score else ("security",)
    return Rule(finding.id, title, _LEVELS[finding.severity.level], next(iter(finding.urls), ""), tags)
