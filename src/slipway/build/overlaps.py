"""Files that more than one wheel brings: one keeps each, the others give it up. What came of the same wheels is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.layers import Drops, dist_key
from slipway.files import read_json, write_json
from slipway.oci.digest import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from slipway.build.resolve import Inputs
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.settings import Settings

Settled = tuple[Drops, tuple[str, ...]]  # paths that parts give up, and a line for each


def settled(inputs: Inputs, settings: Settings, cache: FragmentCache) -> Settled | None:
    """What is remembered; None if it is not known yet."""
    if inputs.python is None:
        return {}, ()
    data = read_json(_memory(inputs, settings, cache))
    if not isinstance(data, dict):
        return None
    return {k: tuple(v) for k, v in data["drops"].items()}, tuple(data["overlaps"])


def settle(
    inputs: Inputs, settings: Settings, cache: FragmentCache, dists: Callable[[], Iterable[Fragment]]
) -> Settled:
    """What is remembered, or found out; `dists` makes the fragments of all wheels, in the order of the resolution."""
    known = settled(inputs, settings, cache)
    if known is not None:
        return known
    from slipway.python.overlap import settle as last_wins

    if inputs.target is None:
        raise ValueError("no Python packages in these inputs")
    fragments = list(dists())
    lost, overlaps = last_wins(fragments, inputs.target, _roots(inputs))
    drops: Drops = {fragments[i].key: tuple(sorted(paths)) for i, paths in lost.items() if paths}
    lines = tuple(f"{o.path}: {o.winner} over {', '.join(o.losers)}" for o in overlaps)
    write_json(_memory(inputs, settings, cache), {"drops": drops, "overlaps": lines})
    return drops, lines


def _memory(inputs: Inputs, settings: Settings, cache: FragmentCache) -> Path:
    if inputs.python is None:
        raise ValueError("no Python packages in these inputs")
    key = key_of([dist_key(inputs, cache, d) for d in inputs.python.dists], _roots(inputs))
    return settings.cache / "settled" / f"{key}.json"


def _roots(inputs: Inputs) -> list[str]:
    if inputs.python is not None and inputs.python.roots:
        return list(inputs.python.roots)
    return [r.text.partition(" #")[0] for r in inputs.recipe.packages]
