"""Carry out a plan for one platform: layers, found or made, and the image that they are put together to."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from slipway.build.image import write_image, write_record
from slipway.build.layers import layer_specs
from slipway.build.model import LayerResult
from slipway.build.overlaps import settle
from slipway.build.pythonparts import compiling
from slipway.python.model import CompilingNeeded
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from slipway.build.fragments import Workshop
    from slipway.build.layers import Drops
    from slipway.build.model import LayerSpec
    from slipway.build.overlaps import Settled
    from slipway.build.resolve import Inputs
    from slipway.build.session import Session
    from slipway.build.toolchain import Toolchain
    from slipway.oci.digest import Digest
    from slipway.oci.fragment import Fragment
    from slipway.oci.store import Descriptor
    from slipway.python.ahead import Ahead
    from slipway.python.compiled import Root

T = TypeVar("T")


@value
class Built:
    """One platform's image: its manifest, configuration digest, layers, and what a person should know."""

    manifest: Descriptor
    image_id: Digest
    layers: tuple[LayerResult, ...]
    uncovered: tuple[str, ...]
    overlaps: tuple[str, ...]


class Builder:
    """Of one platform's image. `made` are the records, by key, of layers that it has made so far."""

    def __init__(self, session: Session, inputs: Inputs, ahead: Ahead | None = None) -> None:
        self.session = session
        self.inputs = inputs
        self.ahead = ahead
        self.store = session.store
        self.cache = session.cache
        self.settings = session.settings
        self.reporter = session.reporter
        self.options = session.options
        self.made: dict[str, dict[str, Any]] = {}

    @cached_property
    def workshop(self) -> Workshop:
        # what converts packages is needed only where something is missing
        from slipway.build.fragments import Workshop

        return Workshop(self.inputs, self.cache, self.settings, self.reporter, self.ahead, self._root)

    def _root(self) -> AbstractContextManager[Root]:
        """The file system that Python packages are compiled in."""
        return self._toolchain.root()

    @cached_property
    def _toolchain(self) -> Toolchain:
        from slipway.build.toolchain import Toolchain

        return Toolchain(self)

    def build(self) -> Built:
        drops, overlaps = self._settle()
        layers = layer_specs(self.inputs, self.cache, self.options.epoch, drops)
        actions, records = self._layers(layers, drops)
        results = [
            LayerResult(layer.name, action, r["digest"], r["size"], r["raw_size"], str(self.inputs.platform))
            for layer, action, r in zip(layers, actions, records, strict=True)
        ]
        manifest, image_id = write_image(self, layers, records)
        # the last system state covers all packages, so the base's own list is part of it
        uncovered = tuple(dict.fromkeys(line for r in records for line in r["uncovered"]))
        write_record(self, manifest, layers, records, uncovered, overlaps)
        return Built(manifest, image_id, tuple(results), uncovered, overlaps)

    def pure(self) -> tuple[list[LayerSpec], list[dict[str, Any] | None], tuple[str, ...]]:
        """All layers, the records of those for which nothing has to be run (made where missing), and the overlaps."""
        from slipway.build.steps.make import loose

        drops, overlaps = self._settle()
        layers = layer_specs(self.inputs, self.cache, self.options.epoch, drops)
        _, made = self._layers(loose(layers), drops)
        records = iter(made)
        return layers, [next(records) if layer.step is None else None for layer in layers], overlaps

    def layers(self, specs: Sequence[LayerSpec]) -> list[dict[str, Any]]:
        """The records of some of the lowest layers, made where they are missing."""
        return self._layers(specs, {})[1]

    def _settle(self) -> Settled:
        return settle(self.inputs, self.settings, self.cache, self._dists)

    def _dists(self) -> Iterable[Fragment]:
        return self.workshop.dists.values()

    def _layers(self, layers: Sequence[LayerSpec], drops: Drops) -> tuple[list[str], list[dict[str, Any]]]:
        """What was done for each layer, and its record."""
        known = [self._known(layer.key) for layer in layers]
        actions = [
            self._action(layer, there=record is not None) for layer, record in zip(layers, known, strict=True)
        ]
        found = [record for record in known if record is not None]
        if len(found) < len(layers):
            from slipway.build.layermaking import LayerMaking

            found = LayerMaking(self, drops).records(layers, known)
        return actions, found

    def _known(self, key: str) -> dict[str, Any] | None:
        """The record of a layer that need not be made, or has been just now."""
        return self.made.get(key) or (None if self.options.no_cache else self.store.layer_record(key))

    def _action(self, layer: LayerSpec, *, there: bool) -> str:
        made = "run" if layer.step else "assemble"
        return "reuse" if there and layer.key not in self.made else made


def compiled(builder: Builder, do: Callable[[Builder], T]) -> T:
    """What `do` gives; it is done again as often as packages are found that have to be compiled, which changes keys."""
    while True:
        try:
            return do(builder)
        except CompilingNeeded as needed:
            names, epoch = needed.reasons.keys(), builder.options.epoch
            inputs = compiling(builder.inputs, builder.cache, builder.settings, epoch, names)
            builder = Builder(builder.session, inputs, builder.ahead)
