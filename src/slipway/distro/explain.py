"""Say why no set of packages fulfils a request, as the chain of dependencies that leads there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slipway.distro.relation import show
from slipway.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.distro.candidate import Candidate
    from slipway.distro.relation import Group, Relation
    from slipway.distro.universe import Universe


class Need(NamedTuple):
    """Why a package is there: `parent` depends on it by `group`."""

    parent: Candidate
    group: Group


def unavailable(
    universe: Universe,
    root: Candidate,
    hopeless: Mapping[str, Group],
    installed: Mapping[str, Candidate],
) -> ResolveError:
    """`root` can never be installed; `hopeless` maps such packages to the dependency that cannot be had."""
    chain: list[str] = []
    at = root
    seen = {root.name}
    while True:
        group = hopeless[at.name]
        line = f"{at.name} {at.version} depends on {show(group)}"
        following = next(
            (c for r in group for c in universe.satisfying(r) if c.name in hopeless and c.name not in seen),
            None,
        )
        if following is None:
            break
        chain.append(line)
        seen.add(following.name)
        at = following
    why = "; ".join(dict.fromkeys(_lack(universe, relation, installed) for relation in group))
    chain.append(f"{line}, but {why}")
    return ResolveError(
        f"{root.name} cannot be installed: {chain[-1]}",
        details="\n".join(chain) if len(chain) > 1 else "",
    )


def no_solution(
    candidate: Candidate, rival: Candidate, need: Need | None, because: Mapping[str, Need | None]
) -> ResolveError:
    """`candidate`, wanted for `need`, and the chosen `rival` exclude each other."""
    left = f"{candidate.name} {candidate.version}"
    right = f"{rival.name} {rival.version}"
    lines = [
        *_path(need, because, candidate.name),
        *_path(because.get(rival.name), because, rival.name),
        f"{left} and {right} conflict",
    ]
    return ResolveError(
        f"no set of packages fits: {left} and {right} conflict", details="\n".join(dict.fromkeys(lines))
    )


def _path(need: Need | None, because: Mapping[str, Need | None], name: str) -> list[str]:
    """How `name` came in, from what was asked for down to it."""
    lines: list[str] = []
    top = name
    while need is not None:
        lines.append(f"{need.parent.name} {need.parent.version} depends on {show(need.group)}")
        top = need.parent.name
        need = because.get(top)
    return [f"{top} is asked for", *reversed(lines)]


def _lack(universe: Universe, relation: Relation, installed: Mapping[str, Candidate]) -> str:
    name = relation.name
    if name in installed:
        return f"{name} {installed[name].version} is already in the base"
    candidate = universe.candidate(name)
    if candidate is not None:
        return f"{name} is {candidate.version}"
    versions = [c.version for c in universe.versions(name)]
    if versions:
        return f"{name} is pinned to another version than {' or '.join(versions)}"
    if providers := universe.providers(name):
        return f"{name} is only provided by {', '.join(providers[:4])}"
    return f"there is no {name}"
