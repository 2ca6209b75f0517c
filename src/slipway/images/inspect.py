"""What an image is, in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.oci.layerindex import layer_index
from slipway.oci.reader import manifests, read_image, select

if TYPE_CHECKING:
    from slipway.oci.reader import Image
    from slipway.oci.store import Store


def inspect(store: Store, ref: str, platform: str = "") -> dict[str, Any]:
    """An image in the shape of `docker image inspect`, with what only Slipway knows beside it.

    `Id` is the digest of the config, `Digest` that of what the name refers to, `Manifest` that of the platform's
    manifest. `Layers` are the lowest first: name, digest, diff_id, media_type, key, size and raw_size (bytes), and parts as
    [kind, name, version]; name, key and parts are empty for layers that were not built here. Of an index `platform`
    is shown, or this machine's.
    """
    found = store.find(ref)
    names = sorted(i.name for i in store.images() if i.digest == found.digest and i.name)
    image = read_image(store, select(store, found, platform))
    layers = _layers(store, image)
    config = image.config
    return {
        "Id": image.config_blob.digest,
        "RepoTags": names,
        "Digest": found.digest,
        "Manifest": image.manifest.digest,
        "Platforms": [m.platform or image.platform for m in manifests(store, found)],
        "Created": config.get("created", ""),
        "Architecture": config.get("architecture", ""),
        "Variant": config.get("variant", ""),
        "Os": config.get("os", ""),
        "Size": sum(layer["size"] for layer in layers),
        "RawSize": sum(layer["raw_size"] for layer in layers),
        "Config": image.settings,
        "Annotations": image.annotations,
        "RootFS": {"Type": "layers", "Layers": [layer.diff_id for layer in image.layers]},
        "Layers": layers,
    }


def _layers(store: Store, image: Image) -> list[dict[str, Any]]:
    record = store.build_record(image.manifest.digest) or {}
    known = {row["digest"]: row for row in record.get("layers", ())}
    rows = []
    for layer in image.layers:
        row = known.get(layer.blob.digest, {})
        rows.append(
            {
                "name": row.get("name", ""),
                "key": row.get("key", ""),
                "digest": layer.blob.digest,
                "diff_id": layer.diff_id,
                "media_type": layer.blob.media_type,
                "size": layer.blob.size,
                "raw_size": row.get("raw_size") or layer_index(store, layer.blob).raw_size,
                "parts": [list(part) for part in row.get("parts", ())],
            }
        )
    return rows
