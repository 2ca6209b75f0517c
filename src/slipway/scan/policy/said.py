"""Statements as they are about one image: which are about a finding, and of which that cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.scan.policy.model import EXCUSING
from slipway.scan.policy.products import is_of_image, is_of_package, version_meant
from slipway.scan.versions.vers import UnclearRangeError, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slipway.scan.model import Component, Finding, Inventory
    from slipway.scan.policy.model import Statement


class Said:
    """What is said of an image."""

    def __init__(self, statements: Iterable[Statement], inventory: Inventory) -> None:
        self._by_id: dict[str, list[tuple[Statement, bool]]] = {}
        for statement in statements:
            of_image = is_of_image(statement, inventory)
            for name in {name.casefold() for name in statement.ids}:
                self._by_id.setdefault(name, []).append((statement, of_image))

    def about(self, finding: Finding) -> Iterator[Statement]:
        """Those about this weakness in this version of the package.

        Where nobody can tell whether it is the version that is meant, a statement that excuses is about another, and one that
        does not is about this.
        """
        for statement in self._of_package(finding):
            found, unclear = _meant(statement, finding.component)
            if found or (unclear and statement.status not in EXCUSING):
                yield statement

    def notes(self, findings: Iterable[Finding]) -> tuple[str, ...]:
        """For each range in which nobody can tell whether a package is: why."""
        told: dict[str, None] = {}
        for finding in findings:
            for statement in self._of_package(finding):
                found, unclear = _meant(statement, finding.component)
                for why in () if found else unclear:
                    package = f"{finding.component.name} {finding.component.version}"
                    told[f"nobody can tell whether {statement.source} means {package}: {why}"] = None
        return tuple(sorted(told))

    def _of_package(self, finding: Finding) -> Iterator[Statement]:
        for name in {name.casefold() for name in (finding.id, *finding.aliases)}:
            for statement, of_image in self._by_id.get(name, ()):
                if is_of_package(statement, finding.component, of_image=of_image):
                    yield statement


def _meant(statement: Statement, component: Component) -> tuple[bool, list[str]]:
    """Whether it means the version, and the ranges of which that cannot be told."""
    if not statement.ranges:
        return True, []
    unclear = []
    for text in statement.ranges:
        try:
            if within(text, component.kind, version_meant(statement, component)):
                return True, []
        except UnclearRangeError as error:
            unclear.append(error.brief)
    return False, unclear
