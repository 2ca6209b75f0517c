"""Which feeds a scan of an image wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.scan.advisories.debian.label import labels
from slipway.scan.versions import ecosystems

if TYPE_CHECKING:
    from slipway.scan.model import Inventory


def needed(inventory: Inventory) -> tuple[str, ...]:
    """Their names, sorted: `osv:PyPI`, `suites:bookworm`. What no feed knows wants none."""
    known = labels(inventory)
    names = {label.feed for label in known}
    done = {component for components in known.values() for component in components}
    for component in inventory.components:
        if not component.owner and component not in done:
            names.update(
                f"osv:{name.partition(':')[0]}" for name in ecosystems(component, inventory.system)[:1]
            )
    return tuple(sorted(names))
