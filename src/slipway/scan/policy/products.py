"""Whether what a VEX statement is about is in an image: names of images, digests and package URLs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from slipway.scan.imagename import full, means, repository

if TYPE_CHECKING:
    from packageurl import PackageURL

    from slipway.scan.model import Component, Inventory
    from slipway.scan.policy.model import Statement

_PURL: Final = "pkg:"
_SERIAL: Final = "urn:uuid:"
_DIGEST: Final = "sha256:"
_SOURCE: Final = "source"


def is_of_image(statement: Statement, inventory: Inventory) -> bool:
    """Whether the image is its product, or any product is."""
    return not statement.products or any(_is_image(product, inventory) for product in statement.products)


def is_of_package(statement: Statement, component: Component, *, of_image: bool) -> bool:
    """Whether it is about this package: it names it, or the whole of the image that is its product (`of_image`).

    A package can be the product itself, whatever image it is in.
    """
    if of_image:
        return not statement.components or any(_is_package(c, component) for c in statement.components)
    return not statement.components and any(_is_package(p, component) for p in statement.products)


def version_meant(statement: Statement, component: Component) -> str:
    """The version to look for in the ranges of a statement about this package: its own, or its source's where it names that."""
    purls = (_parsed(purl) for purl in statement.components or statement.products)
    by_source = any(purl is not None and _qualifiers(purl).get("arch") == _SOURCE for purl in purls)
    return component.source_version if by_source and component.source_name else component.version


def _is_image(product: str, inventory: Inventory) -> bool:
    if product.startswith(_PURL):
        found = _parsed(product)
        return found is not None and found.type == "oci" and _is_oci(found, inventory)
    if product.startswith(_SERIAL):
        return product == _serial(inventory)
    name, at, digest = product.partition("@")
    if at or name.startswith(_DIGEST):
        return bool(inventory.digest) and (digest or name) == inventory.digest
    return means(name, inventory.name.partition("@")[0])


def _is_oci(found: PackageURL, inventory: Inventory) -> bool:
    """The definition of the purl type `oci`: the version is a digest, which says all; else name, place, tag and architecture agree."""
    if found.version:
        return found.version == inventory.digest
    name = inventory.name.partition("@")[0]
    place = repository(name)
    known = {
        "repository_url": place,
        "tag": full(name).removeprefix(place).removeprefix(":") or "latest",
        "arch": inventory.platform.partition("/")[2].partition("/")[0],
    }
    asked = _qualifiers(found)
    return found.name == place.rpartition("/")[2].lower() and all(
        known.get(key) == (repository(value) if key == "repository_url" else value)
        for key, value in asked.items()
    )


def _is_package(purl: str, component: Component) -> bool:
    """Without a version any is meant; qualifiers that are given have to agree. `arch=source` means the source package."""
    meant, ours = _parsed(purl), _parsed(component.purl)
    if meant is None or ours is None:
        return False
    asked, have = _qualifiers(meant), _qualifiers(ours)
    name, version = ours.name, ours.version
    if asked.get("arch") == _SOURCE and component.source_name:
        name, version = component.source_name, component.source_version
        have["arch"] = _SOURCE
    return (
        (meant.type, meant.namespace, meant.name) == (ours.type, ours.namespace, name)
        and meant.version in (None, version)
        and meant.subpath in (None, ours.subpath)
        and all(have.get(key) == value for key, value in asked.items())
    )


def _qualifiers(purl: PackageURL) -> dict[str, str]:
    return dict(purl.qualifiers) if isinstance(purl.qualifiers, dict) else {}


@lru_cache(maxsize=4096)
def _parsed(text: str) -> PackageURL | None:
    from packageurl import PackageURL

    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


@lru_cache(maxsize=8)
def _serial(inventory: Inventory) -> str:
    """That of the document which `slipway sbom` writes of it: by it other documents name its parts."""
    from slipway.scan.sbom.cyclonedx import document

    return str(document(inventory)["serialNumber"])
