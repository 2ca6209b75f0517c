"""Publish an image: from the store to the registry that a name tells of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.registry.push import push
from slipway.registry.pushreferrers import push_referrers
from slipway.registry.reference import HUB, Reference, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.events import Reporter
    from slipway.oci.store import Store
    from slipway.registry.push import Pushed
    from slipway.settings import Settings


def destination(name: str) -> Reference:
    """Where an image of that name is pushed to. `UsageError` unless it begins with a registry: `hello` is a local name.

    Engines take a name without a registry for one on Docker Hub, where few want to publish by mistake.
    """
    head, slash, _ = name.partition("/")
    if not slash or not (head == "localhost" or any(c in head for c in ".:")):
        local = name.rpartition("/")[2]
        raise UsageError(
            f"{name} names no registry to push to",
            hint=f"begin the name with one, as in registry.example.org/team/{local}; Docker Hub is {HUB}/USER/{local}",
        )
    return parse(name)


def push_image(
    store: Store,
    ref: str,
    target: str,
    settings: Settings,
    reporter: Reporter,
    *,
    login: tuple[str, str] | None = None,
    referrers: bool = True,
    sbom: Sequence[str] = (),
) -> Pushed:
    """Push the image that `ref` means to `target`, or when that is empty to the registry in the image's own name.

    What is attached to it goes along unless `referrers` is false; before, bills of materials in the formats `sbom`
    (`slipway.scan.sbom.write.FORMATS`) are attached.
    """
    image = store.find(ref)
    if not target and not image.name:
        raise UsageError(
            "an image without a name has to be told where to go",
            hint=f"slipway image push {ref} REGISTRY/REPOSITORY:TAG",
        )
    place = destination(target or image.name)
    if sbom:
        from slipway.scan.sbom.attach import attach_sboms

        with store.shared():
            attach_sboms(store, image, sbom, settings, reporter)
    pushed = push(store, image, place, settings, reporter, login=login)
    if not referrers:
        return pushed
    return replace(pushed, attached=push_referrers(store, image, place, settings, reporter, login=login))
