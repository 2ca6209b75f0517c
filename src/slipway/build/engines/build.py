"""Build the image of one platform with another engine, and take it over into the store."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.build.assemble import Built
from slipway.build.engines import buildah, buildkit, docker
from slipway.build.engines.context import context_of
from slipway.build.engines.material import gather
from slipway.build.engines.order import mirror_of, order_for
from slipway.build.engines.record import record_of
from slipway.build.model import LayerResult
from slipway.errors import FetchError, ToolError
from slipway.files import disk
from slipway.oci.digest import Digest
from slipway.oci.reader import manifests, read_image
from slipway.sandbox.host import check_platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.build.assemble import Builder
    from slipway.build.base import BaseImage
    from slipway.build.engines.material import Material
    from slipway.build.engines.order import Order
    from slipway.oci.store import Descriptor, Store


def build_with(engine: str, builder: Builder, tag: str) -> Built:
    """Let `engine` (`docker` or `buildah`) build what `builder` would, under `tag` there.

    Hold `store.shared()` meanwhile. `ToolError` when the engine is missing, refuses, or a command in it fails.
    """
    store, reporter, settings = builder.store, builder.reporter, builder.settings
    material = gather(builder)
    context = context_of(material, store, (), mirror_of(settings))
    order = order_for(material, context, tag, settings, no_cache=builder.options.no_cache)
    if engine == "buildah" and order.steps and not order.network:
        reporter.warn("buildah gives every run step the network, also those that do not ask for it")
    if settings.offline and order.network:
        raise FetchError(
            "commands of this recipe use the network, and nothing may be downloaded",
            hint="build without --offline, or natively, where unchanged steps are not run again",
            where=next(step.where for step in order.steps if step.network),
        )
    if engine == "buildah":
        _check_platform(order)
    with _scratch(settings.cache) as scratch:
        if engine == "buildah":
            image = buildah.build_with_buildah(order, scratch, store, reporter)
            config = Digest(image)
        elif order.mounts:
            image = buildkit.build_with_cli(order, scratch, store, settings, reporter)
        else:
            image = docker.build_in_daemon(order, store, settings, reporter)
        if engine == "docker":
            config = docker.config_of(image, settings)
        manifest = _had(store, tag, config)
        if manifest is None:
            known = _base_layers(material.inputs.image)
            compression = builder.cache.compression
            if engine == "buildah":
                came = buildah.fetch(image, scratch, store, compression, known, reporter)
            else:
                came = docker.fetch(image, store, compression, known, settings, reporter)
            manifest = came.manifest
            if store.build_record(manifest.digest) is None:
                record = record_of(engine, material, came, store)
                store.put_build_record(manifest.digest, record)
    return _built(engine, material, order, manifest, store)


def _check_platform(order: Order) -> None:
    """Before buildah fails with words that nobody understands. A daemon may be on another machine, which can."""
    for step in order.steps[:1]:
        try:
            check_platform(order.platform, "the step")
        except ToolError as error:
            error.where = step.where
            raise


@contextmanager
def _scratch(cache: Path) -> Iterator[Path]:
    """A directory for what has to be in files while a builder works; it is gone afterwards, come what may."""
    with disk(cache):
        (cache / "contexts").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache / "contexts", prefix=".tmp-") as name:
            yield Path(name)


def _base_layers(base: BaseImage | None) -> Mapping[str, Descriptor]:
    """The layers of the base image by DiffID: they need not be made again, nor even be here."""
    if base is None:
        return {}
    return dict(zip(base.config["rootfs"]["diff_ids"], base.layers, strict=True))


def _had(store: Store, tag: str, config: Digest) -> Descriptor | None:
    """The image that the tag names already, if it has this configuration and was taken over whole."""
    image = store.named(tag)
    for manifest in manifests(store, image) if image else ():
        if store.build_record(manifest.digest) and read_image(store, manifest).config_blob.digest == config:
            return manifest
    return None


def _built(engine: str, material: Material, order: Order, manifest: Descriptor, store: Store) -> Built:
    image = read_image(store, manifest)
    record = store.build_record(manifest.digest) or {"layers": ()}
    layers = tuple(
        LayerResult(row["name"], engine, row["digest"], row["size"], row["raw_size"], order.platform)
        for row in record["layers"]
    )
    named = replace(manifest, platform=order.platform)
    return Built(named, image.config_blob.digest, layers, material.uncovered, material.overlaps)
