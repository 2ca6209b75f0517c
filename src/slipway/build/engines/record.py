"""How an engine built an image, in the shape that builds without an engine leave (`slipway.build.image`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.oci.reader import read_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.build.engines.material import Material
    from slipway.build.model import LayerSpec
    from slipway.oci.reader import Image
    from slipway.oci.store import Store
    from slipway.oci.unarchive import Imported


def record_of(engine: str, material: Material, came: Imported, store: Store) -> dict[str, Any]:
    """Engines may make other layers than were asked for (of WORKDIR, for example): then only they know what is in them."""
    base = material.inputs.image
    image = read_image(store, came.manifest)
    above = image.layers[len(base.layers) if base else 0 :]
    specs: list[LayerSpec | None] = [layer for layer, _ in material.layers]
    if len(specs) != len(above):
        specs = [None] * len(above)
    names = [
        spec.name if spec else said for spec, said in zip(specs, _history(image, len(above)), strict=True)
    ]
    return {
        "engine": engine,
        "platform": str(material.inputs.platform),
        "config": dict(material.settings),
        "layers": [
            {
                "name": name,
                "key": spec.key if spec else "",
                "digest": layer.blob.digest,
                "size": layer.blob.size,
                "raw_size": came.raw_sizes[layer.blob.digest],
                "parts": [[p.kind, p.name, p.version] for p in spec.parts] if spec else [],
                "keys": [p.key for p in spec.parts] if spec else [],
            }
            for name, spec, layer in zip(names, specs, above, strict=True)
        ],
        "uncovered": list(material.uncovered),
        "overlaps": list(material.overlaps),
    }


def _history(image: Image, count: int) -> Sequence[str]:
    """What the image says of its uppermost layers."""
    rows = [row for row in image.config.get("history") or () if not row.get("empty_layer")]
    said = [str(row.get("created_by") or "layer") for row in rows[-count:]] if count else []
    return [*["layer"] * (count - len(said)), *said]
