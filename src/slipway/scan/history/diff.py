"""Two scans of an image, or of two images: which findings are new, gone, or not what they were, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.scan.advisories.osv import is_bulletin
from slipway.scan.fingerprint import package
from slipway.scan.history.changes import Alteration, Changes, Turn
from slipway.scan.history.packages import package_changes, versions
from slipway.scan.history.tally import once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.scan.model import Component, Finding, Scan


def diff(old: Scan, new: Scan) -> Changes:
    """Findings are the same if they are about the same package, whatever its version, and have a name in common.

    The names of the images do not matter. A finding that is excused counts as one that is not there.
    """
    was, now = _Side(old), _Side(new)
    added: list[Turn] = []
    altered: list[Alteration] = []
    same: list[Finding] = []
    for finding in now.open:
        before = was.like(finding)
        if before is None or not before.open:
            added.append(_appeared(finding, before, was, now))
        elif what := _altered(before, finding):
            altered.append(Alteration(before, finding, what))
        else:
            same.append(finding)
    gone = [
        _left(finding, after, was, now)
        for finding in was.open
        if (after := now.like(finding)) is None or not after.open
    ]
    return Changes(
        old,
        new,
        tuple(added),
        tuple(gone),
        tuple(altered),
        tuple(same),
        package_changes(old.inventory, new.inventory),
    )


class _Side:
    """What one scan knows."""

    def __init__(self, scan: Scan) -> None:
        findings = once(scan).values()
        self.open = sorted((finding for finding in findings if finding.open), key=_worst_first)
        self.versions = versions(scan.inventory)
        self.feeds = {feed.name for feed in scan.feeds}
        self.uncovered = {package(uncovered.component): uncovered.why for uncovered in scan.uncovered}
        self.complete = scan.complete
        self._by_name: dict[tuple[str, str], Finding] = {}
        # what is open comes last, and so stands for what has the same names
        for finding in sorted(findings, key=lambda each: each.open):
            self._by_name.update(dict.fromkeys(_names(finding), finding))

    def like(self, finding: Finding) -> Finding | None:
        """The finding here that is the same as one of the other side."""
        found = [self._by_name[name] for name in _names(finding) if name in self._by_name]
        return max(found, key=lambda each: each.open, default=None)

    def version(self, component: Component) -> str:
        return ", ".join(self.versions.get((component.kind, component.name), ()))

    def asked(self, finding: Finding) -> bool:
        """Whether a feed was used here that says so there; what came from other scanners' reports is not in `feeds`."""
        told = {source.rpartition(" ")[0] or source for source in finding.provenance}
        return not told or bool(told & self.feeds)


def _appeared(finding: Finding, before: Finding | None, was: _Side, now: _Side) -> Turn:
    if before is not None:
        return Turn(finding, f"no longer excused: {_excuse(before)}")
    component = finding.component
    earlier, here = was.version(component), now.version(component)
    if not earlier:
        return Turn(finding, "package added")
    if why := was.uncovered.get(package(component)):
        return Turn(finding, f"not known before: {why}", sure=False)
    if not was.asked(finding):
        return Turn(finding, f"not asked before: {', '.join(finding.provenance)}", sure=False)
    if earlier != here:
        return Turn(finding, f"package is {here}, was {earlier}", was.complete)
    return Turn(finding, "newly known", was.complete)


def _left(finding: Finding, after: Finding | None, was: _Side, now: _Side) -> Turn:
    if after is not None:
        return Turn(finding, f"excused now: {_excuse(after)}")
    component = finding.component
    earlier, here = was.version(component), now.version(component)
    if not here:
        return Turn(finding, "package removed", now.complete)
    if why := now.uncovered.get(package(component)):
        return Turn(finding, f"cannot be told any more: {why}", sure=False)
    if not now.asked(finding):
        return Turn(finding, f"not asked any more: {', '.join(finding.provenance)}", sure=False)
    if earlier != here:
        return Turn(finding, f"package is {here}, was {earlier}", now.complete)
    return Turn(finding, "advisory withdrawn or changed", now.complete)


def _excuse(finding: Finding) -> str:
    if finding.waiver or finding.vex:
        return finding.waiver or finding.vex
    return "fixed" if finding.status == "fixed" else "not affected"


def _altered(before: Finding, after: Finding) -> tuple[str, ...]:
    what = []
    if before.severity.level != after.severity.level:
        what.append(f"severity {before.severity.level} → {after.severity.level}")
    if after.fixable and not before.fixable:
        what.append(f"fixed in {', '.join(after.fixed)}" if after.fixed else "a fix is available")
    if before.fixable and not after.fixable:
        what.append("no fix any more")
    return tuple(what)


def _names(finding: Finding) -> Iterable[tuple[str, str]]:
    where = package(finding.component)
    return [
        (where, name)
        for name in (finding.id, *finding.aliases)
        if name == finding.id or not is_bulletin(name)
    ]


def _worst_first(finding: Finding) -> tuple[int, str, str]:
    return -finding.severity.level, finding.component.name, finding.id
