"""All packages that a request may choose from: the indexes of several suites seen as one.

Like APT without preferences: of each name the highest version among the suites is the one candidate, unless the
request pins another one.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Protocol

from slipway.distro.version import key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slipway.distro.candidate import Candidate
    from slipway.distro.relation import Relation

_PRIORITIES = ("required", "important", "standard", "optional", "extra")


class Packages(Protocol):
    """What a universe needs of an index; `slipway.distro.index.Index` is one."""

    def find(self, name: str) -> Sequence[Candidate]: ...
    def providers(self, name: str) -> Sequence[str]: ...
    def essential(self) -> Sequence[str]: ...
    def required(self) -> Sequence[str]: ...
    def names(self) -> Sequence[str]: ...


class Universe:
    """`indexes` in order of preference for equal versions; `pins` maps names to the one version wanted.

    `prefer` maps names to versions that are taken, though higher ones are there, as long as they are there.
    """

    def __init__(
        self,
        indexes: Sequence[Packages],
        arch: str,
        pins: Mapping[str, str] | None = None,
        prefer: Mapping[str, str] | None = None,
    ) -> None:
        self.arch = arch
        self._indexes = indexes
        self._pins = pins or {}
        self._prefer = prefer or {}
        self._versions: dict[str, tuple[Candidate, ...]] = {}
        self._satisfying: dict[Relation, tuple[Candidate, ...]] = {}

    def versions(self, name: str) -> tuple[Candidate, ...]:
        """Every version of a real package, the highest first; among equal ones the first index wins."""
        if name not in self._versions:
            found = [
                c for index in self._indexes for c in index.find(name) if c.deb.arch in (self.arch, "all")
            ]
            unique = {c.version: c for c in reversed(found)}
            self._versions[name] = tuple(sorted(unique.values(), key=lambda c: key(c.version), reverse=True))
        return self._versions[name]

    def candidate(self, name: str) -> Candidate | None:
        """The version that would be chosen; None when there is no such package, or not in the pinned version."""
        versions = self.versions(name)
        if name in self._pins:
            wanted = key(self._pins[name])
            return next((c for c in versions if key(c.version) == wanted), None)
        known = self._prefer.get(name)
        return next((c for c in versions if c.version == known), versions[0]) if versions else None

    def satisfying(self, relation: Relation) -> tuple[Candidate, ...]:
        """Candidates that fulfil `relation`, best first: the package of that name, then by priority.

        Between equals the last name wins, as with APT, whose tie-break mostly comes out so.
        """
        if relation not in self._satisfying:
            found = (self.candidate(name) for name in (relation.name, *self.providers(relation.name)))
            unique = {c.name: c for c in found if c is not None and relation.accepts(c, self.arch)}
            descending = sorted(unique.values(), key=lambda c: c.name, reverse=True)
            self._satisfying[relation] = tuple(sorted(descending, key=lambda c: _rank(c, relation.name)))
        return self._satisfying[relation]

    def providers(self, name: str) -> list[str]:
        return sorted({provider for index in self._indexes for provider in index.providers(name)})

    def essential(self) -> list[str]:
        """Names whose candidate is essential."""
        return self._where(lambda index: index.essential(), lambda c: c.deb.essential)

    def required(self) -> list[str]:
        """Names whose candidate has priority required."""
        return self._where(lambda index: index.required(), lambda c: c.deb.priority == "required")

    def similar(self, name: str) -> list[str]:
        """Up to three known names that look like `name`, the likeliest first."""
        known = {n for index in self._indexes for n in index.names() if abs(len(n) - len(name)) <= 2}
        pool = sorted(n for n in known if n[:1] == name[:1] or n[-3:] == name[-3:])
        return difflib.get_close_matches(name, pool, n=3, cutoff=0.75)

    def _where(
        self, names: Callable[[Packages], Sequence[str]], holds: Callable[[Candidate], bool]
    ) -> list[str]:
        found = {name for index in self._indexes for name in names(index)}
        return sorted(n for n in found if (c := self.candidate(n)) is not None and holds(c))


def _rank(candidate: Candidate, name: str) -> tuple[bool, bool, int]:
    priority = candidate.deb.priority
    place = _PRIORITIES.index(priority) if priority in _PRIORITIES else len(_PRIORITIES)
    return candidate.name != name, not candidate.deb.essential, place
