"""The docker-archive form of an image: what `docker load` and `docker-archive:` of other tools read.

A tar of `manifest.json`, the config and the layers (moby: image/spec/v1.2.md, Combined Image JSON + Filesystem
Changeset Format). Layers go in as they are when they are gzip, which Docker, podman and skopeo all read; zstd
layers, which Docker reads only since 23, are unpacked on the way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slipway.oci import digest as dg
from slipway.oci.entry import END_OF_ARCHIVE, Entry, padding
from slipway.oci.layerindex import layer_index, plain, verified
from slipway.oci.reader import read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slipway.oci.reader import Image, Slice
    from slipway.oci.store import Descriptor, Store


def docker_archive(store: Store, manifest: Descriptor, names: Sequence[str]) -> Iterator[bytes]:
    """The archive of one image under `names` (`repository:tag`), piece by piece. Hold `store.shared()` meanwhile.

    The same image and names give the same bytes. `StoreError` when a blob is missing or damaged.
    """
    return _pieces(store, read_image(store, manifest), names)


def _pieces(store: Store, image: Image, names: Sequence[str]) -> Iterator[bytes]:
    config_name = f"{dg.hex_of(image.config_blob.digest)}.json"
    layer_names = [f"{dg.hex_of(layer.diff_id)}.tar" for layer in image.layers]
    listing = [{"Config": config_name, "RepoTags": list(names), "Layers": layer_names}]
    yield from _file(config_name, [config := store.read(image.config_blob.digest)], len(config))
    # an image may have the same layer twice, a tar must not have the same file twice
    for name, layer in dict(zip(layer_names, image.layers, strict=True)).items():
        yield from _layer(store, name, layer)
    text = json.dumps(listing, separators=(",", ":")).encode()
    yield from _file("manifest.json", [text], len(text))
    yield END_OF_ARCHIVE


def _layer(store: Store, name: str, layer: Slice) -> Iterator[bytes]:
    if _is_gzip(store, layer):
        yield from _file(name, verified(store, layer.blob), layer.blob.size)
    else:
        yield from _file(name, plain(store, layer.blob), layer_index(store, layer.blob).raw_size)


def _is_gzip(store: Store, layer: Slice) -> bool:
    return next(verified(store, layer.blob), b"")[:2] == b"\x1f\x8b"


def _file(name: str, content: Iterable[bytes], size: int) -> Iterator[bytes]:
    yield Entry(name, size=size).header()
    yield from content
    yield padding(size)
