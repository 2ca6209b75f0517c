"""The packages that ECR names, as those that are in the image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.scan.adapters.ecrfindings import packaged, type_of
from slipway.scan.classes import class_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.scan.model import Component, Finding, Inventory, System


class Placement:
    """Looks up packages by their own name and version, or by those of the source that they were built from.

    Without an inventory of the image, what ECR says is all that is known; then its name is taken for the source's too.
    """

    def __init__(self, inventory: Inventory | None, system: System) -> None:
        self._system = system
        self._names: dict[tuple[str, str], list[Component]] = {}
        self._sources: dict[tuple[str, str], list[Component]] = {}
        for component in inventory.components if inventory else ():
            self._names.setdefault((component.name.lower(), component.version), []).append(component)
            if component.source_name:
                source = component.source_name, component.source_version or component.version
                self._sources.setdefault(source, []).append(component)

    def place(self, finding: Finding) -> Finding:
        theirs = finding.component
        same = self._of_kind(self._names.get((theirs.name.lower(), theirs.version), ()), theirs)
        if same:
            here = [component for component in same if component.path == theirs.path]
            return _laid(finding, (here or same)[0], same)
        built = self._of_kind(self._sources.get((theirs.name, theirs.version), ()), theirs)
        if built:
            source = packaged(built[0].kind, theirs.name, theirs.version, self._system)
            source = replace(source, source_name=theirs.name, source_version=theirs.version)
            return _laid(finding, source, built)
        kind = type_of(self._system)
        if theirs.purl.startswith("pkg:generic/") and kind != "generic":
            theirs = packaged(kind, theirs.name, theirs.version, self._system)
        return _laid(finding, theirs, [theirs])

    def knows(self, finding: Finding) -> bool:
        """Whether the package is in the image, once it has been placed."""
        key = finding.component.name, finding.component.version
        return (key[0].lower(), key[1]) in self._names or key in self._sources

    def _of_kind(self, found: Sequence[Component], theirs: Component) -> list[Component]:
        return [c for c in found if theirs.kind in (c.kind, "generic")]


def _laid(finding: Finding, component: Component, meant: Sequence[Component]) -> Finding:
    classes = {class_of(package) for package in meant}
    return replace(finding, component=component, class_=classes.pop() if len(classes) == 1 else "")
