"""An image of which every layer's facts are known, wherever it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.scan.inventory.layerfacts import FactsCache
from slipway.scan.inventory.words import moment

if TYPE_CHECKING:
    from slipway.oci.reader import Image
    from slipway.scan.inventory.model import LayerFacts
    from slipway.settings import Settings


@dataclass(frozen=True)
class Opened:
    """`digest`, `platform`, `labels` and `created` are as in `slipway.scan.model.Inventory`; `layers` are (digest, facts), the
    lowest first.
    """

    digest: str
    platform: str
    labels: tuple[tuple[str, str], ...]
    layers: tuple[tuple[str, LayerFacts], ...]
    created: str = ""


def facts_cache(settings: Settings) -> FactsCache:
    return FactsCache(settings.cache / "inventory")


def labels(config: Any) -> tuple[tuple[str, str], ...]:
    """The labels of an image's configuration (image-spec: config.md, `config.Labels`), sorted."""
    settings = config.get("config") if isinstance(config, dict) else None
    found = settings.get("Labels") if isinstance(settings, dict) else None
    if not isinstance(found, dict):
        return ()
    return tuple(sorted((str(k), v) for k, v in found.items() if isinstance(v, str)))


def created(config: dict[str, Any]) -> str:
    """When a configuration says that its image was made (`created`)."""
    return moment(config.get("created"))


def platform_of(config: dict[str, Any]) -> str:
    words = (config.get("os"), config.get("architecture"), config.get("variant"))
    return "/".join(w for w in words if isinstance(w, str) and w)


def opened(image: Image, layers: list[LayerFacts]) -> Opened:
    """`InputError` when a layer is not the one that the image's configuration promises."""
    for layer, facts in zip(image.layers, layers, strict=True):
        if facts.diff_id != layer.diff_id:
            raise InputError(
                f"the layer {layer.blob.digest} is not what the image's configuration says",
                details=f"unpacked it is {facts.diff_id}, and should be {layer.diff_id}",
            )
    rows = tuple((layer.blob.digest, facts) for layer, facts in zip(image.layers, layers, strict=True))
    return Opened(image.manifest.digest, image.platform, labels(image.config), rows, created(image.config))
