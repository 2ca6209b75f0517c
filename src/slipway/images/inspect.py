"""What an image is, in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.lock.kept import FIELD
from slipway.oci.layerindex import known_index, layer_index
from slipway.oci.origins import origins
from slipway.oci.reader import platforms, read_image, select

if TYPE_CHECKING:
    from slipway.oci.reader import Image
    from slipway.oci.store import Descriptor, Store


def inspect(store: Store, ref: str, platform: str = "") -> dict[str, Any]:
    """An image in the shape of `docker image inspect`, with what only Slipway knows beside it.

    `Id` is the digest of the config, `Digest` that of what the name refers to, `Manifest` that of the platform's
    manifest. `Layers` are the lowest first: name, digest, diff_id, media_type, key, size and raw_size (bytes), parts as
    [kind, name, version], and origin; name, key and parts are empty for layers that were not built here, origin is
    `registry/repository` for layers that are not here. Of those nothing is downloaded: raw_size, and so `RawSize`, may be
    None. `Lock` says whether its lock is in it. Of an index `platform` is shown, or this machine's.
    """
    found = store.find(ref)
    names = sorted(i.name for i in store.images() if i.digest == found.digest and i.name)
    image = read_image(store, select(store, found, platform))
    layers = _layers(store, image)
    raw = [layer["raw_size"] for layer in layers]
    config = image.config
    return {
        "Id": image.config_blob.digest,
        "RepoTags": names,
        "Digest": found.digest,
        "Manifest": image.manifest.digest,
        "Platforms": list(platforms(store, found)),
        "Created": config.get("created", ""),
        "Architecture": config.get("architecture", ""),
        "Variant": config.get("variant", ""),
        "Os": config.get("os", ""),
        "Size": sum(layer["size"] for layer in layers),
        "RawSize": None if None in raw else sum(raw),
        "Config": image.settings,
        "Annotations": image.annotations,
        "RootFS": {"Type": "layers", "Layers": [layer.diff_id for layer in image.layers]},
        "Lock": FIELD in config,
        "Layers": layers,
    }


def _layers(store: Store, image: Image) -> list[dict[str, Any]]:
    record = store.build_record(image.manifest.digest) or {}
    known = {row["digest"]: row for row in record.get("layers", ())}
    rows = []
    for layer in image.layers:
        row = known.get(layer.blob.digest, {})
        places = () if store.has(layer.blob.digest) else origins(store, layer.blob.digest)
        rows.append(
            {
                "name": row.get("name", ""),
                "key": row.get("key", ""),
                "digest": layer.blob.digest,
                "diff_id": layer.diff_id,
                "media_type": layer.blob.media_type,
                "size": layer.blob.size,
                "raw_size": row.get("raw_size") or _raw_size(store, layer.blob, away=bool(places)),
                "parts": [list(part) for part in row.get("parts", ())],
                "origin": places[0] if places else "",
            }
        )
    return rows


def _raw_size(store: Store, layer: Descriptor, *, away: bool) -> int | None:
    index = known_index(store, layer) if away else layer_index(store, layer)
    return index.raw_size if index else None
