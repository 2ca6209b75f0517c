"""An image in the store: its configuration and manifest, an index over several, and how it was built."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.build import config
from slipway.build.installation.entrypoint import argv
from slipway.build.steps.keys import identity
from slipway.build.steps.stack import program_of
from slipway.lock.kept import FIELD as LOCK
from slipway.lock.kept import kept
from slipway.oci.digest import Digest, canonical
from slipway.oci.store import CONFIG_TYPE, INDEX_TYPE, MANIFEST_TYPE, Descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.build.assemble import Builder
    from slipway.build.model import LayerSpec
    from slipway.build.resolve import Inputs
    from slipway.oci.store import Store


def configuration(inputs: Inputs, layers: Sequence[tuple[str, str]], created: int) -> dict[str, Any]:
    """The image configuration for these inputs; `layers` are (name, DiffID) above the base image's."""
    base = inputs.image
    return config.image_config(
        inputs.recipe,
        inputs.platform,
        layers,
        created=created,
        base=base.config if base else None,
        venv=inputs.python is not None,
        default_entrypoint=argv(inputs.recipe, inputs.init),
        default_shell=lambda: base.facts.shell if base else "bash" if inputs.debian else "",
        program=program_of(inputs),
    )


def write_image(
    builder: Builder, layers: Sequence[LayerSpec], records: Sequence[Mapping[str, Any]]
) -> tuple[Descriptor, Digest]:
    """Put an image of these layers, each with its record, into the store: its manifest, and the configuration's digest."""
    inputs, base, store, epoch = builder.inputs, builder.inputs.image, builder.store, builder.options.epoch
    created = max(r["newest"] for r in records)
    if base:
        created = max(created, config.seconds(base.config.get("created")))
    if epoch is not None:
        created = epoch
    named = [(_title(layer), r["diff_id"]) for layer, r in zip(layers, records, strict=True)]
    image = configuration(inputs, named, created)
    image[LOCK] = kept(inputs, builder.cache.compression.name, epoch)
    descriptor = store.put(canonical(image), CONFIG_TYPE)
    blobs = [Descriptor(r["media_type"], Digest(r["digest"]), r["size"]) for r in records]
    annotations = {"org.opencontainers.image.created": config.iso_time(created)}
    if base:
        annotations["org.opencontainers.image.base.name"] = base.name
        annotations["org.opencontainers.image.base.digest"] = base.manifest.digest
    elif inputs.debian:
        annotations["org.opencontainers.image.base.name"] = f"debian:{inputs.debian.codename}"
    manifest = config.manifest(descriptor, [*(base.layers if base else ()), *blobs], annotations)
    stored = store.put(canonical(manifest), MANIFEST_TYPE)
    if store.build_record(stored.digest) is None:  # a new image, not named anywhere yet
        _check_user(inputs, store, blobs)
    return replace(stored, platform=str(inputs.platform)), descriptor.digest


def write_record(
    builder: Builder,
    manifest: Descriptor,
    layers: Sequence[LayerSpec],
    records: Sequence[Mapping[str, Any]],
    uncovered: Sequence[str],
    overlaps: Sequence[str],
) -> None:
    """Keep how an image was built; once, for the same image is always built the same way."""
    if builder.store.build_record(manifest.digest) is not None:
        return
    builder.store.put_build_record(
        manifest.digest,
        {
            "platform": str(builder.inputs.platform),
            "config": configuration(builder.inputs, [], 0)["config"],
            "layers": [
                {
                    "name": layer.name,
                    "key": layer.key,
                    "digest": r["digest"],
                    "size": r["size"],
                    "raw_size": r["raw_size"],
                    "parts": [[p.kind, p.name, p.version] for p in layer.parts],
                    "keys": [p.key for p in layer.parts],
                    **({"step": identity(item)} if (item := layer.step or layer.copy) else {}),
                }
                for layer, r in zip(layers, records, strict=True)
            ],
            "uncovered": list(uncovered),
            "overlaps": list(overlaps),
        },
    )


def together(store: Store, manifests: Sequence[Descriptor]) -> Descriptor:
    """The manifest itself, or an index over several (image-spec: image-index.md)."""
    if len(manifests) == 1:
        return manifests[0]
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [m.as_json() for m in manifests]}
    return store.put(canonical(index), INDEX_TYPE)


def _title(layer: LayerSpec) -> str:
    """What the history of the image calls a layer."""
    item = layer.step or layer.copy
    return f"{layer.name}: {item.text}" if item else layer.name


def _check_user(inputs: Inputs, store: Store, layers: Sequence[Descriptor]) -> None:
    """A user or group written by name must exist in the image, or nothing in it can ever be started."""
    spec = inputs.recipe.user or program_of(inputs).user
    if not spec or all(part.isdigit() or part == "root" for part in spec.split(":")):
        return
    from slipway.images.account import find_user
    from slipway.oci.layerindex import read_files

    image = inputs.image
    files = {path: text.encode() for path, text in image.facts.accounts.items()} if image else {}
    files |= read_files(store, layers, ("etc/passwd", "etc/group"))
    find_user(files.get("etc/passwd", b""), files.get("etc/group", b""), spec)
