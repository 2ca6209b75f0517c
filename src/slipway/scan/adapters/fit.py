"""Whether a report is about the image that it is to be merged with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.registry.reference import Reference
    from slipway.scan.adapters.model import Imported
    from slipway.scan.model import Inventory

# Their digest is that of the configuration: there is no manifest.
_WITHOUT_MANIFEST: Final = ("docker:", "docker-archive:")
_PATHS: Final = ("oci:", "docker-archive:", "dir:", "squashfs:", "sbom:")
# How scanners say where an image came from; what follows others is no name.
_SOURCES: Final = ("docker:", "podman:", "containerd:", "registry:")


def fits(imported: Imported, inventory: Inventory) -> str:
    """Why the report is of another image; empty when nothing speaks against it.

    A digest that is the same settles it. One that differs does not if names and layers agree: it may be that of an index
    with the image among others. Many reports tell nothing of their image: then the person who gives them knows.
    """
    ours = inventory.name
    told = {*imported.digests, imported.image_id} - {""}
    if inventory.digest in told or ours.rpartition("@")[2] in told:
        return ""
    layers = _same_layers(imported, inventory)
    names = _same_name(imported, ours)
    shown = next(iter(imported.names), "another image")
    if layers is False:
        return f"it is of {shown} with other layers, not of {ours}"
    theirs = next(iter(imported.digests), "")
    if ours.startswith(_WITHOUT_MANIFEST):
        theirs = imported.image_id
    if theirs and inventory.digest and not (layers and names is not False):
        return f"it is of {shown} ({theirs}), not of {ours} ({inventory.digest})"
    return f"it is of {shown}, not of {ours}" if names is False else ""


def _same_layers(imported: Imported, inventory: Inventory) -> bool | None:
    """None: it cannot be told, as digests are of compressed layers here and of what is in them there."""
    theirs = set(imported.layers)
    ours = {component.layer for component in inventory.components if component.layer}
    return ours <= theirs if ours & theirs else None


def _same_name(imported: Imported, ours: str) -> bool | None:
    here = _reference(ours.removeprefix("docker:")) if not ours.startswith(_PATHS) else None
    theirs = [found for name in imported.names if (found := _reference(_plain(name)))]
    if here is None or not theirs:
        return None
    return any(_same(here, other) for other in theirs)


def _plain(name: str) -> str:
    return next((name.removeprefix(s) for s in _SOURCES if name.startswith(s)), name)


def _reference(name: str) -> Reference | None:
    """None for what is no name of an image: a path, an archive."""
    from slipway.registry.reference import parse

    if name.startswith(("/", ".")) or name.endswith((".tar", ".tar.gz", ".tgz")):
        return None
    try:
        return parse(name.removeprefix("localhost/"))
    except UsageError:
        return None


def _same(one: Reference, other: Reference) -> bool:
    """By repository and tag, where both have one."""
    tags = one.tag == other.tag or not (one.tag and other.tag)
    return (one.registry, one.repository) == (other.registry, other.repository) and tags
