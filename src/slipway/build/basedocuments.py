"""What a base image says of itself: manifest and configuration, checked.

    {cache}/bases/<manifest hex>.json     the configuration, and descriptors of manifest and layers

They are remembered, so that a build need not ask for them again although nothing in the store refers to them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError, NotYetError, StoreError, UsageError
from slipway.files import read_json, write_json
from slipway.oci.digest import Digest, hex_of
from slipway.oci.store import LAYER_TYPE, Descriptor
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slipway.oci.store import Store
    from slipway.recipe.model import Platform
    from slipway.settings import Settings

_FORMAT = 1  # of what is remembered
# Docker's names for layers (distribution: Image Manifest Version 2, Schema 2) beside OCI's for the same bytes
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_LAYER_TYPES = {
    **{LAYER_TYPE + suffix: LAYER_TYPE + suffix for suffix in ("", "+gzip", "+zstd")},
    **{_DOCKER_LAYER + suffix: LAYER_TYPE + suffix.replace(".", "+") for suffix in ("", ".gzip", ".zstd")},
}
# The fields of a configuration that images built on it inherit, as far as they are there (image-spec: config.md)
_SHAPES: dict[str, type] = {
    "User": str,
    "StopSignal": str,
    "Env": list,
    "Entrypoint": list,
    "Cmd": list,
    "ExposedPorts": dict,
    "Volumes": dict,
    "Labels": dict,
    "Healthcheck": dict,
}


@value
class Documents:
    """`config` is the whole configuration; `layers` have OCI's media types, as a manifest of OCI's type must not name others."""

    manifest: Descriptor
    config: Mapping[str, Any]
    layers: tuple[Descriptor, ...]


def read_documents(store: Store, manifest: Descriptor, name: str, platform: Platform) -> Documents:
    """Those of an image in the store. `InputError` when they are malformed, `UsageError` when the image is for another
    platform, `NotYetError` when its layers are of a kind that cannot be passed on.
    """
    from slipway.oci.reader import read_image

    try:
        image = read_image(store, manifest)
    except StoreError as error:
        raise InputError(
            f"the base image {name} is malformed", details=error.details or error.brief
        ) from error
    if not _well_formed(image.config):
        raise InputError(f"the configuration of the base image {name} is malformed")
    there = f"{image.config.get('os')}/{image.config.get('architecture')}"
    if there != f"{platform.os}/{platform.arch}":
        raise UsageError(f"{name} is not there for {platform}", hint=f"it is there for: {there}")
    return Documents(manifest, image.config, tuple(_as_oci(layer, name) for layer in image.blobs))


def remember(settings: Settings, found: Documents) -> None:
    write_json(
        _path(settings, found.manifest.digest),
        {
            "format": _FORMAT,
            "manifest": found.manifest.as_json(),
            "config": found.config,
            "layers": [layer.as_json() for layer in found.layers],
        },
    )


def recall(settings: Settings, digest: Digest) -> Documents | None:
    """What was remembered of the image with this manifest."""
    data = read_json(_path(settings, digest))
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        return None
    layers = tuple(Descriptor.from_json(d) for d in data["layers"])
    return Documents(Descriptor.from_json(data["manifest"]), data["config"], layers)


def _path(settings: Settings, digest: Digest) -> Path:
    return settings.cache / "bases" / f"{hex_of(digest)}.json"


def _as_oci(layer: Descriptor, name: str) -> Descriptor:
    if kind := _LAYER_TYPES.get(layer.media_type):
        return replace(layer, media_type=kind)
    if "foreign" in layer.media_type or "nondistributable" in layer.media_type:
        brief = f"the base image {name} has a layer that must not be passed on"
    else:
        brief = f"the base image {name} has a layer of an unknown kind"
    raise NotYetError(brief, details=layer.media_type)


def _well_formed(config: Mapping[str, Any]) -> bool:
    run = config.get("config") or {}
    if not isinstance(run, dict) or not isinstance(config.get("history") or [], list):
        return False
    if not all(isinstance(run.get(key) or kind(), kind) for key, kind in _SHAPES.items()):
        return False
    return all(isinstance(text, str) for key in ("Env", "Entrypoint", "Cmd") for text in run.get(key) or ())
