"""A set of packages that knows what it offers and what it refuses; the last one added can be taken out again."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.distro.candidate import Candidate
    from slipway.distro.relation import Group, Relation


class Selection:
    """Packages of one image, by name, in the order they were added."""

    def __init__(self, arch: str) -> None:
        self.packages: dict[str, Candidate] = {}
        self._arch = arch
        self._offered: dict[str, list[Candidate]] = defaultdict(list)
        self._refused: dict[str, list[tuple[Relation, Candidate]]] = defaultdict(list)

    def add(self, candidate: Candidate) -> None:
        self.packages[candidate.name] = candidate
        for name in _names(candidate):
            self._offered[name].append(candidate)
        for relation in candidate.conflicts:
            self._refused[relation.name].append((relation, candidate))

    def take_back(self) -> None:
        """Undo the last `add`."""
        _, candidate = self.packages.popitem()
        for name in _names(candidate):
            self._offered[name].pop()
        for relation in candidate.conflicts:
            self._refused[relation.name].pop()

    def fulfils(self, group: Group) -> bool:
        """Whether a package of the set is one of the alternatives."""
        return any(r.accepts(c, self._arch) for r in group for c in self._offered.get(r.name, ()))

    def rival(self, candidate: Candidate) -> Candidate | None:
        """A package of the set that excludes `candidate`, from either side; a package never excludes itself."""
        for name in _names(candidate):
            for relation, owner in self._refused.get(name, ()):
                if owner.name != candidate.name and relation.accepts(candidate, self._arch):
                    return owner
        for relation in candidate.conflicts:
            for other in self._offered.get(relation.name, ()):
                if other.name != candidate.name and relation.accepts(other, self._arch):
                    return other
        return None


def _names(candidate: Candidate) -> dict[str, None]:
    """The package's own name and those it provides, each once, in order."""
    return dict.fromkeys((candidate.name, *(p.name for p in candidate.provides)))
