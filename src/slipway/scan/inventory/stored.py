"""Images in the store, in a registry, and in OCI layouts: layers with digests, of which only unknown ones are read."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from slipway.errors import InputError, StoreError
from slipway.oci import digest as dg
from slipway.oci.compress import CHUNK
from slipway.oci.layerindex import verified
from slipway.oci.layout import Layout
from slipway.oci.reader import image_of, read_image
from slipway.scan.inventory.built import BuiltLayers
from slipway.scan.inventory.layerfacts import read_layer
from slipway.scan.inventory.opened import facts_cache, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from slipway.events import Reporter, Step
    from slipway.oci.reader import Image
    from slipway.oci.store import Descriptor, Store
    from slipway.scan.inventory.model import LayerFacts
    from slipway.scan.inventory.opened import Opened
    from slipway.settings import Settings


def from_store(store: Store, manifest: Descriptor, settings: Settings, reporter: Reporter) -> Opened:
    """An image of the store. Layers that were put together here are known from their fragments; those that are in a
    registry are brought. Hold `store.shared()` meanwhile.
    """
    from slipway.registry.lazy import fetch

    image = read_image(store, manifest)
    built = BuiltLayers(store, image, settings)

    def read(blobs: Sequence[Descriptor]) -> Callable[[Descriptor], Iterable[bytes]]:
        fetch(store, blobs, settings, reporter)
        return lambda blob: verified(store, blob)

    return opened(image, _facts(image, read, settings, reporter, built.facts))


def from_registry(
    reference: str, platform: str, store: Store, settings: Settings, reporter: Reporter
) -> Opened:
    """An image in a registry: its manifest and configuration, and then only layers that nobody has read yet."""
    from slipway.registry.pull import pull
    from slipway.registry.reference import parse

    manifest = pull(parse(reference), platform, store, settings, reporter, blobs=False)
    return from_store(store, manifest, settings, reporter)


def from_layout(path: Path, ref: str, platform: str, settings: Settings, reporter: Reporter) -> Opened:
    """An image in an OCI layout, read where it is. `InputError` when the layout is not what its digests say."""
    layout = Layout(path)
    manifest = layout.manifest(ref, platform)
    try:
        image = image_of(manifest, layout.document)
    except StoreError as error:
        raise InputError(f"{path}: {error.brief}", details=error.details) from error
    return opened(
        image,
        _facts(image, lambda _: lambda blob: _checked(layout, blob), settings, reporter, lambda _: None),
    )


def _facts(
    image: Image,
    open_: Callable[[Sequence[Descriptor]], Callable[[Descriptor], Iterable[bytes]]],
    settings: Settings,
    reporter: Reporter,
    made_here: Callable[[int], LayerFacts | None],
) -> list[LayerFacts]:
    """Those of all layers; `open_` is told which blobs have to be read, and reads them."""
    cache = facts_cache(settings)
    known: dict[str, LayerFacts] = {}
    unknown: list[Descriptor] = []
    for number, layer in enumerate(image.layers):
        digest = layer.blob.digest
        if digest in known or layer.blob in unknown:
            continue
        if (facts := cache.get(digest)) is None and (facts := made_here(number)) is not None:
            cache.put(digest, facts)
        if facts is None:
            unknown.append(layer.blob)
        else:
            known[digest] = facts
    if unknown:
        read = open_(unknown)
        total = sum(blob.size for blob in unknown)
        with reporter.step("read", f"{len(unknown)} layers", total=total, unit="bytes") as step:
            for blob in unknown:
                what = f"layer {blob.digest}"
                facts = read_layer(_told(read(blob), step), what, lambda blob=blob: read(blob))  # type: ignore[misc]
                cache.put(blob.digest, facts)
                known[blob.digest] = facts
    return [known[layer.blob.digest] for layer in image.layers]


def _told(chunks: Iterable[bytes], step: Step) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        step.advance(len(chunk))


def _checked(layout: Layout, blob: Descriptor) -> Iterator[bytes]:
    """The bytes of a blob of a layout; `InputError` at the end when it is not what its digest says."""
    found = hashlib.sha256()
    try:
        with layout.file(blob).open("rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
                yield chunk
    except OSError as error:
        raise InputError(f"{layout.path} lacks the blob {blob.digest}") from error
    if found.hexdigest() != dg.hex_of(blob.digest):
        raise InputError(f"the blob {blob.digest} in {layout.path} is damaged")
