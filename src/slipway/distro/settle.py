"""Paths that two packages hold: which one keeps it (Debian policy, sections 7.6.1 and 10.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.distro.relation import parse_groups
from slipway.distro.version import satisfies
from slipway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.oci.fragment import Fragment


def settle(fragments: Sequence[Fragment]) -> Mapping[int, set[str]]:
    """Index of a fragment -> the paths that it must give up; fragments that keep everything are left out.

    A generated fragment keeps its paths against packages. Among packages the one that declares to replace the other
    keeps the path; `InputError` that names both when none does, as dpkg would refuse.
    """
    first: dict[str, int] = {}
    shared: dict[str, list[int]] = {}
    for index, fragment in enumerate(fragments):
        for path in fragment.paths:
            if (other := first.setdefault(path, index)) != index:
                shared.setdefault(path, [other]).append(index)
    drop: dict[int, set[str]] = {}
    for path, holders in shared.items():
        keeper = holders[0]
        for index in holders[1:]:
            keeper, loser = _pair(fragments, keeper, index, path)
            drop.setdefault(loser, set()).add(path)
    return drop


def _pair(fragments: Sequence[Fragment], one: int, two: int, path: str) -> tuple[int, int]:
    """(who keeps the path, who gives it up)."""
    a, b = fragments[one], fragments[two]
    if b.component.kind != "deb" or (a.component.kind == "deb" and _replaces(b, a)):
        return two, one
    if a.component.kind != "deb" or _replaces(a, b):
        return one, two
    raise InputError(
        f"{a.component.name} and {b.component.name} both hold /{path}",
        details="Neither declares that it replaces the other, so that dpkg would refuse to install them together.",
        hint="leave one of the two packages out",
    )


def _replaces(winner: Fragment, loser: Fragment) -> bool:
    fields = dict(winner.extra["control"])
    return any(
        relation.name == loser.component.name
        and satisfies(loser.component.version, relation.operator, relation.version)
        for group in parse_groups(" ".join(fields.get("Replaces", "").split()))
        for relation in group
    )
