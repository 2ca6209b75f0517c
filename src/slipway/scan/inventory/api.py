"""`take`: the inventory of whatever a person names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.oci.digest import hex_of
from slipway.oci.reader import select
from slipway.oci.store import Store
from slipway.scan.inventory.components import components
from slipway.scan.inventory.merge import merge
from slipway.scan.inventory.words import as_text
from slipway.scan.model import Inventory

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.oci.store import Descriptor
    from slipway.scan.inventory.opened import Opened
    from slipway.settings import Settings

FORMS = "NAME, registry:REF, oci:DIR[:REF], docker-archive:FILE, docker:NAME, dir:PATH, squashfs:FILE or sbom:FILE"
_KINDS = ("registry", "oci", "docker-archive", "docker", "dir", "squashfs", "sbom")


def take(target: str, settings: Settings, reporter: Reporter, *, platform: str = "") -> Inventory:
    """The inventory of `target`, which is one of `FORMS`; a name that the store does not know is one in a registry.

    `platform` is `os/arch[/variant]`; empty: the only one there is, or this machine's. What is in layers, once read, is
    remembered by their digests. `UsageError` when there is no such thing, `InputError` when it is malformed or not what
    its digests say, `FetchError` and `ToolError` as their sources have them. What could be opened but not
    read is in `Inventory.unread`.
    """
    kind, colon, rest = target.partition(":")
    if stored := _stored(target, settings):
        return _inventory(target, _from_store(stored, settings, reporter, platform))
    if not colon or kind not in _KINDS:
        return _inventory(target, _from_registry(target, settings, reporter, platform, guessed=True))
    if not rest:
        raise UsageError(f"{target!r} names nothing", hint=f"write {FORMS}")
    if kind == "sbom":
        from slipway.scan.sbom.read import read_sbom

        return read_sbom(Path(rest))
    if kind == "registry":
        return _inventory(rest, _from_registry(rest, settings, reporter, platform, guessed=False))
    return _inventory(target, _opened(kind, rest, settings, reporter, platform))


def of_image(name: str, manifest: Descriptor, settings: Settings, reporter: Reporter) -> Inventory:
    """The inventory of an image in the store by its manifest; hold `store.shared()` meanwhile."""
    from slipway.scan.inventory.stored import from_store

    return _inventory(name, from_store(Store(settings.store), manifest, settings, reporter))


def _stored(target: str, settings: Settings) -> Descriptor | None:
    store = Store(settings.store)
    try:
        return store.find(target)
    except UsageError:
        prefix = target.removeprefix("sha256:")
        if prefix != target or any(hex_of(image.digest).startswith(prefix) for image in store.images()):
            raise  # a digest, or the beginning of several
        return None


def _from_store(image: Descriptor, settings: Settings, reporter: Reporter, platform: str) -> Opened:
    from slipway.scan.inventory.stored import from_store

    store = Store(settings.store)
    with store.shared():
        return from_store(store, select(store, image, platform), settings, reporter)


def _from_registry(
    reference: str, settings: Settings, reporter: Reporter, platform: str, *, guessed: bool
) -> Opened:
    from slipway.registry.reference import parse
    from slipway.scan.inventory.stored import from_registry

    try:
        parse(reference)
    except UsageError as error:
        if guessed:
            raise UsageError(
                f"{reference!r} is not in the store, and no name of an image", hint=f"write {FORMS}"
            ) from error
        raise
    store = Store(settings.store)
    if guessed:
        reporter.log(f"{reference} is not in the store: asking its registry")
    with store.shared():
        return from_registry(reference, platform, store, settings, reporter)


def _opened(kind: str, rest: str, settings: Settings, reporter: Reporter, platform: str) -> Opened:
    if kind == "docker":
        from slipway.scan.inventory.archived import from_daemon

        return from_daemon(rest, settings, reporter)
    if kind == "oci":
        from slipway.scan.inventory.stored import from_layout

        directory, _, ref = rest.partition(":")
        return from_layout(Path(directory), ref, platform, settings, reporter)
    if kind == "docker-archive":
        from slipway.scan.inventory.archived import from_archive

        return from_archive(Path(rest), settings, reporter)
    if kind == "squashfs":
        from slipway.scan.inventory.squashfs import from_squashfs

        return from_squashfs(Path(rest), settings)
    from slipway.scan.inventory.tree import from_directory

    return from_directory(Path(rest))


def _inventory(name: str, opened: Opened) -> Inventory:
    system, found, unread = components(merge(opened.layers))
    return Inventory(
        as_text(name), opened.digest, opened.platform, system, found, unread, opened.labels, opened.created
    )
