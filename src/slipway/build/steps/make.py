"""Make the layers of steps: when everything below is in the store, and one after the other."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from slipway.build.steps.copy import copy_fragment
from slipway.oci.digest import Digest, key_of
from slipway.oci.layer import directories
from slipway.oci.layerindex import layer_index, merged, read_files
from slipway.oci.reader import Slice
from slipway.oci.store import Descriptor
from slipway.recipe.model import DebianBase, LayoutBase, RegistryBase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slipway.build.below import Below
    from slipway.build.layermaking import LayerMaking
    from slipway.build.model import LayerSpec
    from slipway.build.steps.run import Runner
    from slipway.oci.entry import Entry
    from slipway.oci.fragment import Fragment
    from slipway.recipe.model import Recipe


_LOOSE: Final = "loose-"


class Maker:
    """Makes the layers of one image that need those below them."""

    def __init__(self, making: LayerMaking) -> None:
        self._making = making
        self._builder = making.builder
        self._below = making.below

    def check(self, layers: Iterable[LayerSpec]) -> None:
        """Find out what keeps steps of layers to be made from running."""
        for layer in layers:
            if layer.step:
                self._runner.check(layer.step)

    def make(self, layer: LayerSpec, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The record of a layer with a step or a copy; `records` are those of the layers below, which are in the store."""
        slices = [
            *self._base(),
            *(
                Slice(Descriptor(r["media_type"], Digest(r["digest"]), r["size"]), Digest(r["diff_id"]))
                for r in records
            ),
        ]
        if layer.step is None:
            return self._copy(layer, slices)
        done, fragment, dirs = self._runner.run(
            layer.step, layer.key, slices, self._below.finder(layer.below)
        )
        self._below.keep(layer.key, dirs)
        return self._making.kept(layer, done, [fragment], dirs)

    def _copy(self, layer: LayerSpec, slices: Sequence[Slice]) -> dict[str, Any]:
        builder, store = self._builder, self._builder.store
        if layer.copy is None:
            raise ValueError("a layer that is neither run nor copied")
        blobs = [s.blob for s in slices]
        made = copy_fragment(
            builder.cache,
            layer.parts[0].key,
            layer.copy,
            builder.workshop.workspace(),
            builder.inputs.recipe.workspace.strip("/"),
            merged(layer_index(store, blob) for blob in blobs),
            lambda: _accounts(read_files(store, blobs, ("etc/passwd", "etc/group"))),
        )
        dirs = layer_directories(layer, [made], self._below)
        return self._making.assembled(layer, [made], dirs)

    def _base(self) -> list[Slice]:
        """The layers of the base image, brought here."""
        builder, image = self._builder, self._builder.inputs.image
        if image is None:
            return []
        if absent := [layer for layer in image.layers if not builder.store.has(layer.digest)]:
            from slipway.registry.lazy import fetch

            fetch(builder.store, absent, builder.settings, builder.reporter)
        diff_ids = image.config["rootfs"]["diff_ids"]
        return [Slice(layer, Digest(d)) for layer, d in zip(image.layers, diff_ids, strict=True)]

    @cached_property
    def _runner(self) -> Runner:
        from slipway.build.steps.run import Runner

        builder = self._builder
        recipe = builder.inputs.recipe
        return Runner(
            recipe,
            str(builder.inputs.platform),
            _base_name(recipe),
            builder.store,
            builder.cache.compression,
            builder.settings,
            builder.reporter,
            builder.options,
        )


def loose(layers: Sequence[LayerSpec]) -> list[LayerSpec]:
    """The layers that are not run, for those who put them over steps that they run themselves.

    What is above a step and depends on what that does is another layer then: one that leaves directories alone, and in which
    copies belong to root, as whom they are for and what directories there are may be a step's doing.
    """
    keys: dict[str, str] = {}  # those of the layers that come instead; none for a step
    found = []
    for layer in layers:
        if layer.step is None:
            found.append(_loosened(layer, keys))
            keys[layer.key] = found[-1].key
        else:
            keys[layer.key] = ""
    return found


def layer_directories(layer: LayerSpec, fragments: Sequence[Fragment], below: Below) -> dict[str, Entry]:
    """The directories that a layer names, with the attributes that they have below; kept there for what is above."""
    dirs = directories(fragments, below.finder(layer.below))
    below.keep(layer.key, dirs)
    if not layer.key.startswith(_LOOSE):
        return dirs
    # those that are there stay as they are, and those that nobody has said anything of come into being with what is in them
    said = {entry.path for fragment in fragments for entry in fragment.dirs}
    known = below.finder(layer.below)
    return {path: entry for path, entry in dirs.items() if path in said and known(path) is None}


def _loosened(layer: LayerSpec, keys: Mapping[str, str]) -> LayerSpec:
    if all(keys.get(key, key) == key for key in layer.below):
        return layer
    parts, copy = layer.parts, layer.copy
    if copy is not None:
        parts = tuple(replace(part, key=key_of(_LOOSE, part.key)) for part in parts)
        copy = replace(copy, owner="")
    below = tuple(filter(None, (keys.get(key, key) for key in layer.below)))
    return replace(layer, key=f"{_LOOSE}{layer.key}", below=below, parts=parts, copy=copy)


def _accounts(files: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    return files.get("etc/passwd", b""), files.get("etc/group", b"")


def _base_name(recipe: Recipe) -> str:
    """What the base is called, whatever it is today: caches are for the next one too."""
    base = recipe.base
    if isinstance(base, DebianBase):
        return f"debian {base.suite}"
    if isinstance(base, LayoutBase):
        return f"oci {base.path}"
    return base.reference if isinstance(base, RegistryBase) else ""
