"""Inventories from SPDX 2.2 and 2.3 documents in JSON, whoever wrote them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.scan.inventory.words import licences, moment, optional, public_url, word
from slipway.scan.model import Component, Inventory, System
from slipway.scan.sbom.fields import (
    MOST_COMPONENTS,
    direct_url,
    kind_of,
    object_of,
    objects_of,
    qualifiers,
    text_of,
)
from slipway.scan.sbom.spdx import NOTE, TOOL
from slipway.scan.sbom.spdxlicenses import NONE_SAID, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, Any]


def inventory_of(document: Row, path: str) -> Inventory:
    """Packages without a package URL are left out. `InputError` for what makes no sense."""
    rows = document.get("packages") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("its packages are no list of objects")
    if len(rows) > MOST_COMPONENTS:
        raise InputError(f"it has more than {MOST_COMPONENTS} packages")
    image: Row = next((row for row in rows if _purpose(row) == "CONTAINER"), {})
    told = _note(image)
    names = {
        text_of(row.get("licenseId")): text_of(row.get("extractedText"))
        for row in objects_of(document, "hasExtractedLicensingInfos")
    }
    about = object_of(document, "creationInfo")
    creators = about.get("creators")
    ours = isinstance(creators, list) and any(str(creator).startswith(TOOL) for creator in creators)
    components = [found for row in rows if (found := _component(row, names, ours=ours))]
    unread = told.get("unread")
    return Inventory(
        optional(image.get("name") or document.get("name"), "name") or path,
        optional(image.get("versionInfo"), "version"),
        text_of(told.get("platform")),
        next((_system(row) for row in rows if _purpose(row) == "OPERATING-SYSTEM"), System()),
        tuple(sorted(components, key=lambda c: (c.kind, c.name, c.version, c.path))),
        tuple(line for line in map(text_of, unread) if line) if isinstance(unread, list) else (),
        created=moment(about.get("created")),
    )


def _purpose(row: Row) -> str:
    # some writers take the name that it has in programs
    return text_of(row.get("primaryPackagePurpose")).upper().replace("_", "-")


def _system(row: Row) -> System:
    return System(
        optional(row.get("name"), "name").lower(),
        optional(row.get("versionInfo"), "version"),
        text_of(_note(row).get("codename")),
        next(iter(licences(row.get("summary"))), ""),
    )


def _component(row: Row, names: Mapping[str, str], *, ours: bool) -> Component | None:
    purl = _purl(row)
    if not purl or _purpose(row) in ("CONTAINER", "OPERATING-SYSTEM"):
        return None
    told = _note(row)
    said_of = qualifiers(purl)
    source, _, source_version = said_of.get("upstream", "").partition("@")
    own = told.get("licenses")
    declared = text_of(row.get("licenseDeclared"))
    return Component(
        kind_of(purl),
        word(row.get("name"), "name"),
        optional(row.get("versionInfo"), "version"),
        purl,
        text_of(told.get("source", source)),
        text_of(told.get("source_version", source_version)),
        text_of(told.get("arch", said_of.get("arch", ""))),
        text_of(told.get("path")),
        text_of(told.get("layer")),
        text_of(told.get("owner")),
        licences(*(own if isinstance(own, list) else said(declared, names))),
        public_url(told.get("direct_url") or (_place(row) if ours else direct_url(said_of))),
    )


def _place(row: Row) -> str:
    place = text_of(row.get("downloadLocation"))
    return "" if place in ("NONE", NONE_SAID) else place


def _purl(row: Row) -> str:
    refs = (r for r in objects_of(row, "externalRefs") if r.get("referenceType") == "purl")
    found = (optional(r.get("referenceLocator"), "purl") for r in refs)
    return next((purl for purl in found if purl.startswith("pkg:")), "")


def _note(row: Row) -> dict[str, Any]:
    """What we have written in an annotation, if this is a document of ours."""
    for annotation in objects_of(row, "annotations"):
        comment = annotation.get("comment")
        if not (str(annotation.get("annotator")).startswith(TOOL) and isinstance(comment, str)):
            continue
        try:
            value = json.loads(comment.removeprefix(NOTE))
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return {}
