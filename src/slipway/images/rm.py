"""Forget images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.oci.store import Store


@dataclass(frozen=True, slots=True)
class Removed:
    """A name that is gone; `last` when no other name is left for the image, whose space `store gc` then frees."""

    name: str
    digest: str
    last: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def rm(store: Store, refs: Sequence[str]) -> list[Removed]:
    """Forget names, or with digests images under all their names. `UsageError`, and nothing done, if one is not there."""
    for ref in refs:
        store.find(ref)
    gone = [image for ref in dict.fromkeys(refs) for image in store.remove(ref)]
    left = {image.digest for image in store.images()}
    return [Removed(image.name, image.digest, image.digest not in left) for image in gone]
