"""Bring an image from a registry into the store, under a name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from slipway.images.names import full_name
from slipway.oci.reader import platforms
from slipway.registry.pull import pull
from slipway.registry.reference import parse

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.oci.store import Store
    from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class Pulled:
    """`name` is empty for an image that was asked for by digest alone; `replaced` is the digest that had the name.

    `attached` counts what refers to it and is here now, if that was asked for.
    """

    reference: str
    name: str
    digest: str
    platforms: tuple[str, ...]
    replaced: str = ""
    attached: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "platforms": list(self.platforms)}


def pull_image(
    store: Store,
    ref: str,
    settings: Settings,
    reporter: Reporter,
    *,
    platform: str | None = "",
    name: str = "",
    login: tuple[str, str] | None = None,
    referrers: bool = False,
) -> Pulled:
    """Pull what `ref` means in its registry; `platform` as in `slipway.registry.pull`.

    The image is named `name`, or as `ref` is written: `python:3.12` stays `python:3.12`. With `referrers` what is attached to
    it comes along.
    """
    reference = parse(ref)
    name = name or ("" if reference.digest and not reference.tag else ref.partition("@")[0])
    full = full_name(name) if name else ""
    with store.shared():
        image = pull(reference, platform, store, settings, reporter, login=login)
        attached = 0
        if referrers:
            from slipway.registry.pullreferrers import pull_referrers

            attached = pull_referrers(store, image, reference, settings, reporter, login=login)
        before = store.named(full)
        replaced = before.digest if before and before.digest != image.digest else ""
        if not full:
            store.add(image)
        elif replaced or before is None:
            store.tag(full, replace(image, name=full))
    return Pulled(str(reference), full, image.digest, platforms(store, image), replaced, attached)
