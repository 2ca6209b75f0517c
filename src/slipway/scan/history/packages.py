"""Which packages came, went, or are of another version."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from slipway.scan.history.changes import PackageChange, Way
from slipway.scan.merge import SCHEMES
from slipway.scan.model import Kind
from slipway.scan.versions import IncomparableError, compare

if TYPE_CHECKING:
    from slipway.scan.model import Inventory

Versions = dict[tuple[Kind, str], tuple[str, ...]]


def package_changes(old: Inventory, new: Inventory) -> tuple[PackageChange, ...]:
    """By kind and name; what is a part of another package goes without saying."""
    before, after = versions(old), versions(new)
    return tuple(
        PackageChange(*key, ", ".join(was), ", ".join(now), _way(key[0], was, now))
        for key in sorted(before.keys() | after.keys())
        if (was := before.get(key, ())) != (now := after.get(key, ()))
    )


def versions(inventory: Inventory) -> Versions:
    """All versions of each package that is there."""
    found: defaultdict[tuple[Kind, str], set[str]] = defaultdict(set)
    for component in inventory.components:
        if not component.owner:
            found[component.kind, component.name].add(component.version)
    return {key: tuple(sorted(several)) for key, several in found.items()}


def _way(kind: Kind, was: tuple[str, ...], now: tuple[str, ...]) -> Way:
    if not was or not now:
        return "removed" if was else "added"
    try:
        # of several, those that stayed say nothing
        orders = {compare(SCHEMES.get(kind, ""), b, a) > 0 for a in {*was} - {*now} for b in {*now} - {*was}}
    except IncomparableError:
        return "changed"
    if len(orders) != 1:
        return "changed"
    return "upgraded" if orders.pop() else "downgraded"
