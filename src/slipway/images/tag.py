"""Give an image another name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from slipway.images.names import full_name

if TYPE_CHECKING:
    from slipway.oci.store import Store


@dataclass(frozen=True, slots=True)
class Tagged:
    """`replaced` is the digest that had the name before, or empty."""

    name: str
    digest: str
    replaced: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def tag(store: Store, ref: str, name: str) -> Tagged:
    """Let `name` (`:latest` may be left out) mean the image that `ref` means. `UsageError` for impossible names."""
    full = full_name(name)
    with store.shared():
        image = store.find(ref)
        before = store.named(full)
        store.tag(full, image)
    return Tagged(full, image.digest, before.digest if before and before.digest != image.digest else "")
