"""Publish an image: from the store to the registry that a name tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.registry.push import push
from slipway.registry.reference import HUB, Reference, parse

if TYPE_CHECKING:
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
) -> Pushed:
    """Push the image that `ref` means to `target`, or when that is empty to the registry in the image's own name."""
    image = store.find(ref)
    if not target and not image.name:
        raise UsageError(
            "an image without a name has to be told where to go",
            hint=f"slipway image push {ref} REGISTRY/REPOSITORY:TAG",
        )
    return push(store, image, destination(target or image.name), settings, reporter, login=login)
