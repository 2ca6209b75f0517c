"""The images in the store."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from slipway.oci.reader import every_blob, manifests, platforms, read_image

if TYPE_CHECKING:
    from slipway.oci.store import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """One name, or one image without any. `id` is the config's digest (of the first platform); `size` in bytes, compressed."""

    name: str
    digest: str
    id: str
    platforms: tuple[str, ...]
    layers: int
    size: int
    created: str

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "platforms": list(self.platforms)}


def ls(store: Store) -> list[Listed]:
    """Every image by name; those without a name last."""
    listed = []
    for image in store.images():
        opened = [read_image(store, m) for m in manifests(store, image)]
        first = opened[0] if opened else None
        listed.append(
            Listed(
                image.name,
                image.digest,
                first.config_blob.digest if first else "",
                platforms(store, image),
                len(first.layers) if first else 0,
                sum(blob.size for blob in every_blob(store, image).values()),
                str(first.config.get("created", "")) if first else "",
            )
        )
    return sorted(listed, key=lambda row: (not row.name, row.name, row.digest))
