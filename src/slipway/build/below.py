"""Directories of the layers below: a layer that names one again must give it the attributes that it has there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.oci.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slipway.build.base import BaseImage
    from slipway.oci.store import Store


class Below:
    """Finds directories by path in layers given by their keys; a base image's key is the digest of its manifest."""

    def __init__(self, store: Store, image: BaseImage | None) -> None:
        self._store = store
        self._image = image
        self._made: dict[str, Mapping[str, Entry]] = {}

    def keep(self, key: str, dirs: Mapping[str, Entry]) -> None:
        """The directories of a layer that is being made, which may not be in the store yet."""
        self._made[key] = dirs

    def finder(self, keys: Sequence[str]) -> Callable[[str], Entry | None]:
        """Answers with the entry of the topmost of these layers (the lowest first) that has the path."""
        sources = [self._directories(key) for key in reversed(keys)]
        return lambda path: next((found for get in sources if (found := get(path))), None)

    def _directories(self, key: str) -> Callable[[str], Entry | None]:
        if key in self._made:
            return self._made[key].get
        if self._image and key == self._image.manifest.digest:
            return self._image.facts.dirs.get
        rows = {row[0]: row for row in self._store.layer_dirs(key)}
        return lambda path: (
            Entry.unpack(rows[path]) if path in rows else None
        )  # thousands, of which few matter
