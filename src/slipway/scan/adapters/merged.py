"""A scan together with reports of other scanners."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.scan.adapters.detect import findings
from slipway.scan.adapters.fit import fits
from slipway.scan.adapters.osv import matched
from slipway.scan.advisories.osv import is_bulletin
from slipway.scan.classes import class_of
from slipway.scan.merge import merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.adapters.model import Imported
    from slipway.scan.model import Component, Finding, Inventory, Scan


def merged(scan: Scan, paths: Iterable[Path], reporter: Reporter) -> Scan:
    """The scan with what the reports at `paths` say; errors as of `findings`."""
    return joined(scan, [(str(path), findings(path)) for path in paths], reporter)


def joined(scan: Scan, reports: Iterable[tuple[str, Imported]], reporter: Reporter) -> Scan:
    """The scan with reports, each under the name by which people know it.

    What is wrong with a report is in the scan's problems, so that the scan is not complete. A report of another image
    adds nothing else. What a scanner was told to ignore excuses nothing that we or another scanner find.
    """
    theirs: list[Finding] = []
    problems: list[str] = []
    feeds = dict.fromkeys(scan.feeds)
    for shown, imported in reports:
        problems += [f"{shown}: {problem}" for problem in imported.problems]
        if why := fits(imported, scan.inventory):
            problems.append(f"{shown} was left out: {why}")
            continue
        if imported.others:
            counted = ", ".join(f"{count} x {what}" for what, count in imported.others)
            reporter.warn(f"{shown} also holds what is no weakness of a package: {counted}")
        found, unclear = matched(imported, scan.inventory)
        found += _placed(imported.findings, scan.inventory)
        reporter.log(f"{shown}: {len(found)} findings of {imported.source}")
        theirs += found
        problems += [f"{shown}: {line}" for line in unclear]
        feeds[imported.feed] = None
    both = merge(scan, [finding for finding in theirs if not _excused(finding)])
    counting = {(f.component, name) for f in both.findings if f.open for name in _names(f)}
    left_out = [finding for finding in theirs if _excused(finding)]
    both = merge(both, [_plain(f) if _is_one_of(f, counting) else f for f in left_out])
    return replace(both, feeds=tuple(feeds), problems=(*both.problems, *problems))


def _excused(finding: Finding) -> bool:
    return bool(finding.waiver or finding.vex)


def _plain(finding: Finding) -> Finding:
    """Without the excuse, which stays in `raw`."""
    return replace(finding, waiver="", vex="")


def _names(finding: Finding) -> tuple[str, ...]:
    return (finding.id, *(name for name in finding.aliases if not is_bulletin(name)))


def _is_one_of(finding: Finding, counting: set[tuple[Component, str]]) -> bool:
    return any((finding.component, name) in counting for name in _names(finding))


def _placed(found: Iterable[Finding], inventory: Inventory) -> list[Finding]:
    """Each on the components of ours that it is about; on its own where we have none."""
    places = _Places(inventory)
    cache: dict[Component, Sequence[Component]] = {}
    placed = []
    for finding in found:
        theirs = finding.component
        if theirs not in cache:
            cache[theirs] = places.of(theirs) or (theirs,)
        placed += [
            replace(finding, component=component, class_=finding.class_ or class_of(component))
            for component in cache[theirs]
        ]
    return placed


class _Places:
    """Components by what other scanners may tell of them: a package, its source, or a name and version of who knows what kind."""

    def __init__(self, inventory: Inventory) -> None:
        self._exact: dict[tuple[str, str, str], list[Component]] = {}
        self._source: dict[tuple[str, str, str], list[Component]] = {}
        self._any: dict[tuple[str, str], list[Component]] = {}
        for component in inventory.components:
            name, version = component.name.lower(), component.version
            self._exact.setdefault((component.kind, name, version), []).append(component)
            self._any.setdefault((name, version), []).append(component)
            if component.source_name:
                source = (component.kind, component.source_name, component.source_version)
                self._source.setdefault(source, []).append(component)

    def of(self, theirs: Component) -> Sequence[Component]:
        name, version = theirs.name.lower(), theirs.version
        source = (theirs.kind, theirs.source_name or theirs.name, version)
        if theirs.arch == "source":
            return self._source.get(source, ())
        if same := self._exact.get((theirs.kind, name, version)):
            by_path = [ours for ours in same if ours.path == theirs.path]
            by_arch = [ours for ours in same if theirs.arch and ours.arch == theirs.arch]
            return by_path or by_arch or same
        if theirs.kind == "generic":
            some = self._any.get((name, version), ()) if theirs.purl.startswith("pkg:generic/") else ()
            return some if len({ours.kind for ours in some}) == 1 else ()
        return self._source.get(source, ())
