"""Inventories from CycloneDX documents in JSON (ECMA-424), of any version, whoever wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.scan.inventory.words import licences, moment, optional, public_url, word
from slipway.scan.model import Component, Inventory, System
from slipway.scan.sbom import names
from slipway.scan.sbom.fields import (
    MOST_COMPONENTS,
    direct_url,
    kind_of,
    object_of,
    objects_of,
    qualifiers,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def inventory_of(document: Mapping[str, Any], path: str) -> Inventory:
    """Components that name no package (files, services) are left out. `InputError` for what makes no sense."""
    image = object_of(object_of(document, "metadata"), "component")
    said = _properties(image)
    rows = list(_rows(document))
    system = next((_system(row) for row in rows if row.get("type") == "operating-system"), System())
    components = [found for row in rows if (found := _component(row))]
    unread = [text for name, text in said if name == names.UNREAD]
    if not unread and _is_incomplete(document):
        unread = ["the document says that it is incomplete"]
    return Inventory(
        optional(image.get("name"), "name") or path,
        optional(image.get("version"), "version") if image.get("type") == "container" else "",
        dict(said).get(names.PLATFORM, ""),
        system,
        tuple(sorted(components, key=lambda c: (c.kind, c.name, c.version, c.path))),
        tuple(unread),
        created=moment(object_of(document, "metadata").get("timestamp")),
    )


def _rows(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All components, those inside others too."""
    waiting = [document]
    count = 0
    while waiting:
        rows = waiting.pop().get("components") or []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError("its components are no list of objects")
        count += len(rows)
        if count > MOST_COMPONENTS:
            raise InputError(f"it has more than {MOST_COMPONENTS} components")
        yield from rows
        waiting.extend(rows)


def _component(row: Mapping[str, Any]) -> Component | None:
    purl = optional(row.get("purl"), "purl")
    if not purl.startswith("pkg:"):
        return None
    kind = kind_of(purl)
    name = word(row.get("name"), "name")
    group = optional(row.get("group"), "group")
    said = dict(_properties(row))
    said_of = qualifiers(purl)
    source, _, source_version = said_of.get("upstream", "").partition("@")
    return Component(
        kind,
        f"{group}/{name}" if group and kind == "npm" and not name.startswith("@") else name,
        optional(row.get("version"), "version"),
        purl,
        said.get(names.SOURCE, source),
        said.get(names.SOURCE_VERSION, source_version),
        said.get(names.ARCH, said_of.get("arch", "")),
        said.get(names.PATH, ""),
        said.get(names.LAYER, ""),
        said.get(names.OWNER, ""),
        licences(*_licence_names(row)),
        public_url(said.get(names.DIRECT_URL) or direct_url(said_of)),
    )


def _system(row: Mapping[str, Any]) -> System:
    return System(
        optional(row.get("name"), "name").lower(),
        optional(row.get("version"), "version"),
        dict(_properties(row)).get(names.CODENAME, ""),
        next(iter(licences(row.get("description"))), ""),
    )


def _licence_names(row: Mapping[str, Any]) -> Iterator[object]:
    for entry in objects_of(row, "licenses"):
        licence = entry.get("license")
        if isinstance(licence, dict):
            yield licence.get("id") or licence.get("name")
        else:
            yield entry.get("expression")


def _is_incomplete(document: Mapping[str, Any]) -> bool:
    return any(
        str(c.get("aggregate", "")).startswith("incomplete") for c in objects_of(document, "compositions")
    )


def _properties(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = [(p.get("name"), p.get("value")) for p in objects_of(row, "properties")]
    return [(n, text_of(v)) for n, v in pairs if isinstance(n, str) and text_of(v)]
