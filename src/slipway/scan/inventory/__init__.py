"""What is in an image: every package of every kind, from wherever the image is, without running any of it.

target ──► Opened (layers that can be read) ──► LayerFacts, each made once and cached ──► Merged ──► Inventory
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.scan.inventory.api import take

__all__ = ["take"]


def __getattr__(name: str) -> Any:
    # the values and formats below are also used by those who never open an image
    if name in __all__:
        from slipway.scan.inventory import api

        return getattr(api, name)
    raise AttributeError(name)
