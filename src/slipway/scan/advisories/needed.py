"""Which feeds a scan of an image wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.scan.advisories.debian.label import labels
from slipway.scan.versions import ecosystems

if TYPE_CHECKING:
    from slipway.scan.model import Component, Inventory


def needed(inventory: Inventory) -> tuple[str, ...]:
    """Their names, sorted: `osv:PyPI`, `suites:bookworm`."""
    return tuple(sorted(set(feeds_of(inventory).values())))


def feeds_of(inventory: Inventory) -> dict[Component, str]:
    """The feed to fetch for each component; what no feed knows, or another package brought, has none."""
    found = {
        component: label.feed for label, components in labels(inventory).items() for component in components
    }
    for component in inventory.components:
        if not component.owner and component not in found:
            for name in ecosystems(component, inventory.system)[:1]:
                found[component] = f"osv:{name.partition(':')[0]}"
    return found
