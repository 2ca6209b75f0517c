"""Files that more than one wheel brings: the one that pip would have installed last wins.

pip installs what it has resolved one after the other and overwrites without a word. Its order, of
`get_installation_order`: packages on which nothing that is left depends come last; those without dependencies
first, again and again; what is left then are cycles, deepest first; among equals, names from z to a.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.oci.entry import Entry
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.oci.fragment import Fragment
    from slipway.python.model import PythonTarget

_NAME = pattern(r"[A-Za-z0-9._-]+")
_ROOT = ""  # what depends on all that was asked for; no package has this name
_STEPS = 20_000  # of the walk through cycles, whose exact answer takes exponential time


@dataclass(frozen=True, slots=True)
class Overlap:
    """A path that several packages bring: the one whose file is kept, and the others in the order of installation.

    `same` says that all of them bring the same content.
    """

    path: str
    winner: str
    losers: tuple[str, ...]
    same: bool


def settle(
    fragments: Sequence[Fragment], target: PythonTarget, roots: Sequence[str] = ()
) -> tuple[Mapping[int, set[str]], list[Overlap]]:
    """Which paths to drop from which fragment (by position), and what was settled, sorted by path.

    The fragments are of wheels (`extra` has `requires`); `roots` are the requirements that a person wrote, whose
    extras bring dependencies.
    """
    shared = _shared([fragment.paths for fragment in fragments])
    if not shared:
        return {}, []
    requires = {f.component.name: list(f.extra.get("requires", ())) for f in fragments}
    order = {name: rank for rank, name in enumerate(install_order(requires, target, roots))}
    entries = _entries(fragments, shared)
    drops: dict[int, set[str]] = {}
    overlaps: list[Overlap] = []
    for path in sorted(shared):
        *losing, winning = sorted(shared[path], key=lambda n: order[fragments[n].component.name])
        for number in losing:
            drops.setdefault(number, set()).add(path)
        overlaps.append(
            Overlap(
                path,
                fragments[winning].component.name,
                tuple(fragments[n].component.name for n in losing),
                same=len({entries[n, path].sha256 for n in shared[path]}) == 1,
            )
        )
    return drops, overlaps


def _shared(contents: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """The paths that come more than once, and where."""
    seen: set[str] = set()
    twice: set[str] = set()
    for paths in contents:  # by whole sets: most paths are there only once
        here = set(paths)
        twice |= seen & here
        seen |= here
    holders: dict[str, list[int]] = {path: [] for path in twice}
    for number, paths in enumerate(contents):
        for path in twice.intersection(paths):
            holders[path].append(number)
    return holders


def install_order(
    requires: Mapping[str, Sequence[str]], target: PythonTarget, roots: Sequence[str] = ()
) -> list[str]:
    """Canonical names in the order in which pip would install them; `requires` are their Requires-Dist."""
    graph = _graph(requires, target, roots)
    left = dict(graph)
    order: list[str] = []
    while leaves := sorted((n for n in left if n and not (left[n] & left.keys())), reverse=True):
        order += leaves
        for name in leaves:
            del left[name]
    depth = _depths(left)
    return order + sorted((n for n in left if n), key=lambda n: (depth.get(n, 0), n), reverse=True)


def _graph(
    requires: Mapping[str, Sequence[str]], target: PythonTarget, roots: Sequence[str]
) -> dict[str, set[str]]:
    """Who depends on whom among what is installed, with the extras that are asked for."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    parsed = {
        name: [
            Requirement(text)
            for text in texts
            if (found := _NAME.match(text)) and canonicalize_name(found[0]) in requires  # parsing takes time
        ]
        for name, texts in requires.items()
    }
    graph: dict[str, set[str]] = {name: set() for name in requires}
    graph[_ROOT] = set()
    done: set[tuple[str, str]] = set()
    todo: list[tuple[str, str]] = [(name, "") for name in requires]

    def follow(source: str, requirement: Requirement) -> None:
        child = canonicalize_name(requirement.name)
        if child in parsed and child != source:
            graph[source].add(child)
        if child in parsed:
            todo.extend((child, canonicalize_name(extra)) for extra in requirement.extras)

    for root in roots:
        follow(_ROOT, Requirement(root))
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        for requirement in parsed[name]:
            if requirement.marker is None or requirement.marker.evaluate({**target.markers, "extra": extra}):
                follow(name, requirement)
    depended = set().union(*graph.values())
    graph[_ROOT] |= graph.keys() - depended - {_ROOT}
    if not graph[_ROOT]:  # nothing but cycles
        graph[_ROOT] = graph.keys() - {_ROOT}
    return graph


def _depths(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """The length of the longest path from the root to each name, none twice on it."""
    depth: dict[str, int] = {}
    children = {name: sorted(below & graph.keys()) for name, below in graph.items()}
    path = [_ROOT]
    ahead = [iter(children[_ROOT])]
    for _ in range(_STEPS):
        child = next(ahead[-1], None)
        if child is None:
            path.pop()
            ahead.pop()
            if not path:
                break
        elif child not in path:
            depth[child] = max(depth.get(child, 0), len(path))
            path.append(child)
            ahead.append(iter(children[child]))
    return depth


def _entries(fragments: Sequence[Fragment], shared: Mapping[str, list[int]]) -> dict[tuple[int, str], Entry]:
    numbers = {number for several in shared.values() for number in several}
    return {
        (number, row[0]): Entry.unpack(row)
        for number in numbers
        for row in fragments[number].rows
        if row[0] in shared
    }
