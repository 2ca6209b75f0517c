"""Choose packages: everything wanted, all they depend on, nothing that conflicts.

The choice is APT's (its classic solver, without Recommends): dependencies are followed depth first in the order
they are written; of alternatives one that is chosen already wins, else the first that can be installed. Where
that ends in a conflict the next alternative is tried. Pure: all knowledge comes in as a `Universe`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slipway.distro.explain import Need, no_solution, unavailable
from slipway.distro.selection import Selection
from slipway.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.distro.candidate import Candidate
    from slipway.distro.relation import Group
    from slipway.distro.universe import Universe

ATTEMPTS = 5000  # choices taken back before the search is given up; real requests need none or a few


def solve(
    universe: Universe, wanted: Sequence[str], installed: Mapping[str, Candidate] | None = None
) -> dict[str, Candidate]:
    """The packages to add for the `wanted` names, by name; `installed` ones stay as they are and are not in it.

    `ResolveError` names the chain of dependencies that cannot be had, or the packages that exclude each other.
    """
    fixed = installed or {}
    roots = [package_for(universe, name) for name in wanted if name not in fixed]
    hopeless: dict[str, Group] = {}
    while True:
        try:
            chosen = _Search(universe, fixed, roots, hopeless).run()
        except _HopelessError as error:
            parent, group = error.args
            hopeless[parent.name] = group
            for root in roots:
                if root.name in hopeless:
                    raise unavailable(universe, root, hopeless, fixed) from None
        else:
            return {name: c for name, c in chosen.items() if name not in fixed}


def package_for(universe: Universe, name: str) -> Candidate:
    """The package that the request `name` means; a virtual name stands for its provider when there is only one."""
    candidate = universe.candidate(name)
    if candidate is not None:
        return candidate
    if versions := universe.versions(name):
        raise ResolveError(
            f"{name} is not there in the version that is pinned",
            hint=f"available: {', '.join(c.version for c in versions)}",
        )
    providers = universe.providers(name)
    if len(providers) == 1 and (only := universe.candidate(providers[0])) is not None:
        return only
    if providers:
        raise ResolveError(
            f"{name} is a virtual package; choose one of those that provide it",
            hint=f"provided by: {', '.join(providers[:8])}",
        )
    similar = universe.similar(name)
    raise ResolveError(
        f"there is no package {name}",
        hint=f"did you mean {' or '.join(similar)}?" if similar else "",
    )


class _HopelessError(Exception):
    """`args`: a package that can never be installed and its dependency that nothing can fulfil."""


class _ConflictError(Exception):
    """`args`: a package, one that is chosen and excludes it, and what the package is needed for."""


class _Choice(NamedTuple):
    """A point to come back to: how many were chosen, what was left to do, the alternatives not yet tried."""

    chosen: int
    todo: list[tuple[Candidate, int]]
    need: Need
    options: list[Candidate]


class _Search:
    """One search; `hopeless` maps packages that must not be chosen to the reason."""

    def __init__(
        self,
        universe: Universe,
        installed: Mapping[str, Candidate],
        roots: Sequence[Candidate],
        hopeless: Mapping[str, Group],
    ) -> None:
        self._universe = universe
        self._installed = installed
        self._roots = roots
        self._hopeless = hopeless
        self._chosen = Selection(universe.arch)
        self._certain = Selection(universe.arch)  # what is in every solution: no choice may exclude it
        self._because: dict[str, Need | None] = {}
        self._todo: list[tuple[Candidate, int]] = []  # a stack: package, its next dependency to look at
        self._choices: list[_Choice] = []

    def run(self) -> Mapping[str, Candidate]:
        """The chosen packages, with the installed ones."""
        self._find_certain()
        for candidate in self._installed.values():
            self._chosen.add(candidate)
        try:
            for root in self._roots:
                self._add(root, None)
        except _ConflictError as error:
            raise self._failure(error) from None
        self._todo.reverse()
        first: ResolveError | None = None
        attempts = 0
        while True:
            try:
                self._follow()
            except _ConflictError as error:
                first = first or self._failure(error)
                attempts += 1
                if attempts == ATTEMPTS or not self._next_option():
                    raise first from None
            else:
                return self._chosen.packages

    def _find_certain(self) -> None:
        """Everything that follows from the request without a choice."""
        for candidate in self._installed.values():
            self._certain.add(candidate)
        todo: list[tuple[Candidate, Need | None]] = [(root, None) for root in self._roots]
        while todo:
            candidate, because = todo.pop()
            if candidate.name in self._certain.packages:
                continue
            self._certain.add(candidate)
            self._because[candidate.name] = because
            for group in candidate.depends:
                if not self._certain.fulfils(group):
                    need = Need(candidate, group)
                    options = self._possible(need)
                    if len(options) == 1:
                        todo.append((options[0], need))

    def _follow(self) -> None:
        """Fulfil all that is left to do."""
        while self._todo:
            parent, position = self._todo.pop()
            if position == len(parent.depends):
                continue
            self._todo.append((parent, position + 1))
            need = Need(parent, parent.depends[position])
            if self._chosen.fulfils(need.group):
                continue
            first, *others = self._free(need)
            if others:
                self._choices.append(_Choice(len(self._chosen.packages), list(self._todo), need, others))
            self._add(first, need)

    def _next_option(self) -> bool:
        """Return to the last choice that has an alternative left, and take it; False when there is none."""
        if not self._choices:
            return False
        choice = self._choices[-1]
        while len(self._chosen.packages) > choice.chosen:
            self._chosen.take_back()
        self._todo = list(choice.todo)
        option = choice.options.pop(0)
        if not choice.options:
            self._choices.pop()
        self._add(option, choice.need)
        return True

    def _possible(self, need: Need) -> list[Candidate]:
        """What could ever be added for `need`, best first; never empty."""
        found = {
            c.name: c
            for relation in need.group
            for c in self._universe.satisfying(relation)
            if c.name not in self._hopeless and c.name not in self._installed
        }
        if not found:
            raise _HopelessError(need.parent, need.group)
        return list(found.values())

    def _free(self, need: Need) -> list[Candidate]:
        """What can be added for `need` now, best first; never empty."""
        possible = self._possible(need)
        free = [c for c in possible if self._chosen.rival(c) is None and self._certain.rival(c) is None]
        if not free:
            first = possible[0]
            raise _ConflictError(first, self._chosen.rival(first) or self._certain.rival(first), need)
        return free

    def _add(self, candidate: Candidate, need: Need | None) -> None:
        if candidate.name in self._chosen.packages:
            return
        self._because[candidate.name] = need
        rival = self._chosen.rival(candidate)
        if rival is not None:
            raise _ConflictError(candidate, rival, need)
        self._chosen.add(candidate)
        self._todo.append((candidate, 0))

    def _failure(self, error: _ConflictError) -> ResolveError:
        candidate, rival, need = error.args
        return no_solution(candidate, rival, need, self._because)
