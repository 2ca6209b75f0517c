"""What every engine starts from: the layers that Slipway makes itself, the commands between them, the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.build.image import configuration
from slipway.oci.digest import Digest
from slipway.oci.store import Descriptor
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.build.assemble import Builder
    from slipway.build.model import LayerSpec
    from slipway.build.resolve import Inputs
    from slipway.build.steps.model import Step


@value
class Material:
    """The plan of one platform's image, with every layer in the store for which nothing has to be run.

    `layers` go from below upward, each with its blob, or without one where a step makes it. `settings` are those of
    the image (`config` in image-spec: config.md).
    """

    inputs: Inputs
    layers: tuple[tuple[LayerSpec, Descriptor | None], ...]
    settings: Mapping[str, Any]
    uncovered: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(layer.step for layer, _ in self.layers if layer.step is not None)


def gather(builder: Builder) -> Material:
    """Make, or find in the store, all that needs no engine. Hold `store.shared()` meanwhile."""
    layers, records, overlaps = builder.pure()
    blobs = [Descriptor(r["media_type"], Digest(r["digest"]), r["size"]) if r else None for r in records]
    uncovered = dict.fromkeys(line for r in records if r for line in r["uncovered"])
    return Material(
        builder.inputs,
        tuple(zip(layers, blobs, strict=True)),
        configuration(builder.inputs, [], 0)["config"],
        tuple(uncovered),
        overlaps,
    )
