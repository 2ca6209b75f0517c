"""Keys of artifacts name the record that they belong to (`ID/rootfs`, `recipes/ID/recipe.tar.gz`, also below `deleted/`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.patterns import pattern
from slipway.service.model import Image, Recipe
from slipway.service.records.query import Filter, Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.service.model import Record
    from slipway.service.records.store import Records

_ID = pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def owner(records: Records, key: str) -> Record | None:
    """The record that the key names."""
    for part in _ids(key):
        for kind in (Image, Recipe):
            found = records.get(kind, part) or records.get(kind, part, gone=True)
            if found is not None:
                return found
    return None


def owners(records: Records, keys: Iterable[str]) -> dict[str, Record]:
    """The same for many keys with few questions; those that name no record are left out."""
    ids = {key: _ids(key) for key in keys}
    wanted = tuple(sorted({part for parts in ids.values() for part in parts}))
    known: dict[str, Record] = {}
    if wanted:
        for kind in (Recipe, Image):  # an image comes before a recipe of the same id, as above
            for gone in (True, False):
                query = Query((Filter("id", wanted),), limit=len(wanted), gone=gone)
                known.update({record.id: record for record in records.page(kind, query).records})
    found = {key: next((known[part] for part in parts if part in known), None) for key, parts in ids.items()}
    return {key: record for key, record in found.items() if record is not None}


def _ids(key: str) -> list[str]:
    return [part for part in key.split("/")[:4] if _ID.fullmatch(part)]
