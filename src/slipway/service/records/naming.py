"""Keys of artifacts name the record that they belong to (`ID/rootfs`, `recipes/ID/recipe.tar.gz`, also below `deleted/`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.patterns import pattern
from slipway.service.model import Image, Recipe

if TYPE_CHECKING:
    from slipway.service.model import Record
    from slipway.service.records.store import Records

_ID = pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def owner(records: Records, key: str) -> Record | None:
    """The record that the key names."""
    for part in key.split("/")[:4]:
        if not _ID.fullmatch(part):
            continue
        for kind in (Image, Recipe):
            found = records.get(kind, part) or records.get(kind, part, gone=True)
            if found is not None:
                return found
    return None
