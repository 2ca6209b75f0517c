"""Images that somebody changed after they were built."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from slipway.oci.digest import Digest
from slipway.oci.layerindex import plain
from slipway.oci.reader import read_image, select
from slipway.oci.store import CONFIG_TYPE, LAYER_TYPE, Descriptor, Store
from tests.images.making import tar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.images.making import Member


def members(data: bytes) -> list[Member]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = []
        for info in archive:
            file = archive.extractfile(info) if info.isreg() else None
            found.append((info, file.read() if file else b""))
        return found


def tamper(
    store: Store,
    name: str,
    edit: Callable[[list[Member]], list[Member]] | None = None,
    *,
    layer: int = -1,
    config: Callable[[dict[str, Any]], None] | None = None,
    manifest: Callable[[dict[str, Any]], None] | None = None,
    honest: bool = True,
) -> Descriptor:
    """Let `name` be the image with one layer, its configuration or its manifest changed.

    The manifest and, if `honest`, the configuration tell the digests of what is there now.
    """
    image = read_image(store, select(store, store.find(name)))
    document = store.read_json(image.manifest.digest)
    settings = json.loads(json.dumps(image.config))
    if edit:
        data = tar(edit(members(b"".join(plain(store, image.blobs[layer])))))
        document["layers"][layer] = store.put(gzip.compress(data, mtime=0), LAYER_TYPE + "+gzip").as_json()
        if honest:
            settings["rootfs"]["diff_ids"][layer] = Digest("sha256:" + hashlib.sha256(data).hexdigest())
    if config:
        config(settings)
    if settings != image.config:
        document["config"] = store.put(json.dumps(settings).encode(), CONFIG_TYPE).as_json()
    if manifest:
        manifest(document)
    return _put(store, name, image.manifest.media_type, document)


def recompress(store: Store, name: str, layer: int = -1) -> Descriptor:
    """The same plain bytes, compressed by another program."""
    image = read_image(store, select(store, store.find(name)))
    document = store.read_json(image.manifest.digest)
    data = b"".join(plain(store, image.blobs[layer]))
    document["layers"][layer] = store.put(gzip.compress(data, 9, mtime=1), LAYER_TYPE + "+gzip").as_json()
    return _put(store, name, image.manifest.media_type, document)


def _put(store: Store, name: str, media_type: str, document: dict[str, Any]) -> Descriptor:
    made = store.put(json.dumps(document).encode(), str(document.get("mediaType", media_type)))
    store.tag(store.find(name).name, made)
    return made
