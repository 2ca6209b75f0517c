"""Inventories as CycloneDX 1.6 documents (JSON; ECMA-424). The same inventory gives the same bytes.

Image and operating system are components, too. What could not be read makes the composition `incomplete`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway import __version__
from slipway.scan.inventory.words import is_address
from slipway.scan.sbom import names
from slipway.scan.sbom.identity import urn

if TYPE_CHECKING:
    from slipway.scan.model import Component, Inventory

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_IMAGE = "image"


def document(inventory: Inventory) -> dict[str, Any]:
    """Values of JSON; `slipway.scan.sbom.readcyclonedx` gives the inventory back."""
    rows = [_component(c, number) for number, c in enumerate(inventory.components)]
    if inventory.system.id:
        rows.append(_system(inventory))
    body = {
        "version": 1,
        "metadata": {
            **({"timestamp": inventory.created} if inventory.created else {}),
            "tools": {"components": [{"type": "application", "name": "slipway", "version": __version__}]},
            "component": _image(inventory),
        },
        "components": rows,
        "compositions": [
            {"aggregate": "incomplete" if inventory.unread else "complete", "assemblies": [_IMAGE]}
        ],
    }
    head = {"$schema": SCHEMA, "bomFormat": "CycloneDX", "specVersion": "1.6"}
    return {**head, "serialNumber": urn(body), **body}


def _image(inventory: Inventory) -> dict[str, Any]:
    row: dict[str, Any] = {"bom-ref": _IMAGE, "type": "container", "name": inventory.name}
    if inventory.digest:
        row["version"] = inventory.digest
    pairs = [(names.PLATFORM, inventory.platform)] if inventory.platform else []
    pairs += [(names.UNREAD, text) for text in inventory.unread]
    return row | _properties(pairs)


def _system(inventory: Inventory) -> dict[str, Any]:
    system = inventory.system
    row: dict[str, Any] = {"bom-ref": "system", "type": "operating-system", "name": system.id}
    row |= {"version": system.version} if system.version else {}
    row |= {"description": system.name} if system.name else {}
    return row | _properties([(names.CODENAME, system.codename)])


def _component(component: Component, number: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        # the same package may be in an image twice, and names of parts must differ
        "bom-ref": f"{number}:{component.purl}",
        "type": "library",
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
    }
    if component.licenses:
        row["licenses"] = [{"license": {"name": text}} for text in component.licenses]
    if is_address(component.direct_url):
        row["externalReferences"] = [{"type": "distribution", "url": component.direct_url}]
    return row | _properties(
        [
            (names.PATH, component.path),
            (names.LAYER, component.layer),
            (names.OWNER, component.owner),
            (names.SOURCE, component.source_name),
            (names.SOURCE_VERSION, component.source_version),
            (names.ARCH, component.arch),
            (names.DIRECT_URL, component.direct_url),
        ]
    )


def _properties(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    rows = [{"name": name, "value": value} for name, value in pairs if value]
    return {"properties": rows} if rows else {}
