"""Bring the image of a docker-archive into the store: what `docker save`, podman and buildah write.

A tar with `manifest.json`, which names the config and the layers by their places in the same tar (moby:
image/spec/v1.2.md, Combined Image JSON + Filesystem Changeset Format). It may come last, and the places differ from
writer to writer, so every file that may be a layer is made a blob as it comes by.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from slipway.errors import InputError, StoreError
from slipway.oci import digest as dg
from slipway.oci.compress import decompress
from slipway.oci.digest import Digest, canonical
from slipway.oci.store import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, Descriptor
from slipway.oci.tarread import Limits, read_tar
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from slipway.oci.compress import Compression
    from slipway.oci.store import Store

_WHAT = "the archive of the image"
_MOST_FILES = 10_000
_LARGEST_DOCUMENT = 4 << 20  # bytes; no config is larger
_TINY = 1024  # bytes; such files are kept until it is known what they are
_LARGEST_LAYER = Limits().size

T = TypeVar("T")


@value
class Imported:
    """The manifest of an image in the store, and the plain size in bytes of those of its layers that came, by digest."""

    manifest: Descriptor
    raw_sizes: Mapping[Digest, int]


@value
class _Blob:
    """A layer that is in the store; `diff_id` and `raw_size` are of its plain bytes."""

    blob: Descriptor
    diff_id: Digest
    raw_size: int


def import_archive(
    store: Store, chunks: Iterable[bytes], compression: Compression, known: Mapping[str, Descriptor]
) -> Imported:
    """Take over the only image in the archive, which gets layers of our own compression.

    `known` are blobs by DiffID to be named instead, wherever they are. Hold `store.shared()` meanwhile. `InputError` when
    the archive is malformed, or not what its config says.
    """
    keep = partial(_keep, store, compression)
    files = read_archive(chunks, lambda _, pieces: keep(pieces))
    config, rows = files.image()
    layers = []
    sizes: dict[Digest, int] = {}
    for name, diff_id in rows:
        layer = files.layer(name, keep)
        if layer.diff_id != diff_id:
            raise InputError(f"{_WHAT} has another layer than its configuration says", details=diff_id)
        sizes[layer.blob.digest] = layer.raw_size
        layers.append(known.get(diff_id, layer.blob))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": store.put(config, CONFIG_TYPE).as_json(),
        "layers": [layer.as_json() for layer in layers],
    }
    return Imported(store.put(canonical(manifest), MANIFEST_TYPE), sizes)


@dataclass(frozen=True)
class Contents(Generic[T]):
    """What is in an archive, by path: small files whole, of what may be a layer that which was made of it, links as what they lead to."""

    documents: dict[str, bytes]
    layers: dict[str, T]
    links: dict[str, str]

    def place(self, name: str) -> str:
        """Writers put a link where they have the same layer twice."""
        return self.links.get(name, name)

    def image(self) -> tuple[bytes, list[tuple[str, Digest]]]:
        """The configuration of the only image, and of its layers, the lowest first, place and DiffID. `InputError` if malformed."""
        listing = _listing(self)
        config = self.documents.get(self.place(listing["Config"]))
        if config is None:
            raise InputError(f"{_WHAT} lacks the image's configuration")
        diff_ids = _diff_ids(config)
        names = [self.place(name) for name in listing["Layers"]]
        if len(names) != len(diff_ids):
            raise InputError(f"{_WHAT} has {len(names)} layers, its configuration {len(diff_ids)}")
        return config, list(zip(names, diff_ids, strict=True))

    def layer(self, name: str, make: Callable[[Iterable[bytes]], T]) -> T:
        """What was, or is now, made of the layer at this place."""
        if name in self.documents:  # it was too small to be told from other files
            return make([self.documents[name]])
        if name not in self.layers:
            raise InputError(f"{_WHAT} lacks the layer {name}")
        return self.layers[name]


def read_archive(chunks: Iterable[bytes], take: Callable[[str, Iterator[bytes]], T]) -> Contents[T]:
    """Go through an archive once; `take` makes something of each file that may be a layer, from its place and bytes."""
    files: Contents[T] = Contents({}, {}, {})
    for entry, content in read_tar(chunks, limits=Limits(_MOST_FILES), what=_WHAT):
        if entry.kind in ("symlink", "link"):
            files.links[entry.path] = _target(entry.path, entry.target, hard=entry.kind == "link")
        elif entry.kind == "file":
            pieces = iter([content]) if isinstance(content, bytes) else content
            first = next(pieces, b"")
            looks_like_json = first[:1] in (b"{", b"[") and entry.size <= _LARGEST_DOCUMENT
            if looks_like_json or entry.size <= _TINY:
                files.documents[entry.path] = b"".join([first, *pieces])
            else:
                files.layers[entry.path] = take(entry.path, _again(first, pieces))
    return files


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _target(path: str, target: str, *, hard: bool) -> str:
    if hard:
        return target
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _keep(store: Store, compression: Compression, pieces: Iterable[bytes]) -> _Blob:
    plain = hashlib.sha256()
    compressor = compression.compressor()
    with store.writer() as out:
        size = 0
        for piece in decompress(pieces):
            size += len(piece)
            if size > _LARGEST_LAYER:
                raise InputError(f"{_WHAT} has a layer of more than {_LARGEST_LAYER} bytes")
            plain.update(piece)
            out.write(compressor.compress(piece))
        out.write(compressor.flush())
    media_type = f"{LAYER_TYPE}+{compression.suffix}"
    diff_id = Digest("sha256:" + plain.hexdigest())
    return _Blob(Descriptor(media_type, out.digest, out.size), diff_id, size)


def _listing(files: Contents[Any]) -> dict[str, Any]:
    try:
        listing = json.loads(files.documents["manifest.json"])
        (image,) = listing
        names = [image["Config"], *image["Layers"]]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{_WHAT} has no sound manifest.json for one image", details=repr(error)) from error
    if not all(isinstance(name, str) for name in names):
        raise InputError(f"{_WHAT} has a manifest.json that names something else than files")
    return dict(image)


def _diff_ids(config: bytes) -> list[Digest]:
    try:
        return [dg.parse(d) for d in json.loads(config)["rootfs"]["diff_ids"]]
    except (KeyError, TypeError, ValueError, RecursionError, StoreError) as error:
        raise InputError(f"{_WHAT} has a malformed configuration", details=repr(error)) from error
