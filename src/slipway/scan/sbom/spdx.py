"""Inventories as SPDX 2.3 documents (JSON; ISO/IEC 5962 and its version 2.3). The same inventory gives the same bytes.

    document ──DESCRIBES──► image ──CONTAINS──► operating system, and every package
    package ──CONTAINS──► package of another kind that it owns

What SPDX has no field for is in one annotation of a package, as JSON behind our name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from slipway import __version__
from slipway.oci.digest import hex_of
from slipway.patterns import pattern
from slipway.scan.sbom.identity import urn
from slipway.scan.sbom.spdxlicenses import NONE_SAID, declared, extracted, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.oci.digest import Digest
    from slipway.scan.model import Component, Inventory

TOOL: Final = "Tool: slipway-"
NOTE: Final = "slipway: "
IMAGE: Final = "SPDXRef-Image"
SYSTEM: Final = "SPDXRef-OperatingSystem"
_NO_TIME: Final = "1970-01-01T00:00:00Z"
# SPDX 2.3, 7.7: an address, or a tool of version control with one
_PLACE = pattern(
    r"(?:(?:git|hg|bzr|svn)\+)?(?:https?|ssh|git|ftp|sftp)://[A-Za-z0-9@][A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*\Z"
)


def document(inventory: Inventory) -> dict[str, Any]:
    """Values of JSON; `slipway.scan.sbom.readspdx` gives the inventory back. Without a time in it, the document is of 1970."""
    created = inventory.created or _NO_TIME
    packages = [_package(c, number, created) for number, c in enumerate(inventory.components)]
    head = [_image(inventory, created)]
    if inventory.system.id:
        head.append(_system(inventory, created))
    names: dict[str, str] = {}
    for component in inventory.components:
        names |= extracted(component.licenses)
    body: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": inventory.name,
        "creationInfo": {"created": created, "creators": [f"{TOOL}{__version__}"]},
        "packages": [*head, *packages],
        "relationships": _relationships(inventory, head),
    }
    if names:
        body["hasExtractedLicensingInfos"] = [
            {"licenseId": name, "name": text, "extractedText": text} for name, text in sorted(names.items())
        ]
    return {**body, "documentNamespace": urn(body)}


def _relationships(inventory: Inventory, head: list[dict[str, Any]]) -> list[dict[str, str]]:
    ids = [row["SPDXID"] for row in head[1:]] + [_id(n) for n in range(len(inventory.components))]
    rows = [_relation("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE)]
    rows += [_relation(IMAGE, "CONTAINS", each) for each in ids]
    owners = {c.purl: number for number, c in reversed(list(enumerate(inventory.components)))}
    rows += [
        _relation(_id(owners[c.owner]), "CONTAINS", _id(number))
        for number, c in enumerate(inventory.components)
        if c.owner in owners
    ]
    return rows


def _relation(one: str, how: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}


def _id(number: int) -> str:
    return f"SPDXRef-Package-{number}"


def _row(spdx_id: str, name: str, version: str) -> dict[str, Any]:
    """The fields that every package has. Nobody has looked into its files (7.8), or concluded anything (7.13)."""
    row: dict[str, Any] = {"SPDXID": spdx_id, "name": name}
    row |= {"versionInfo": version} if version else {}
    return row | {
        "downloadLocation": NONE_SAID,
        "filesAnalyzed": False,
        "licenseConcluded": NONE_SAID,
        "licenseDeclared": NONE_SAID,
        "copyrightText": NONE_SAID,
    }


def _image(inventory: Inventory, created: str) -> dict[str, Any]:
    row = _row(IMAGE, inventory.name, inventory.digest) | {"primaryPackagePurpose": "CONTAINER"}
    if inventory.digest:
        digest: Digest = inventory.digest  # type: ignore[assignment]
        row["checksums"] = [{"algorithm": "SHA256", "checksumValue": hex_of(digest)}]
    return row | _note({"platform": inventory.platform, "unread": list(inventory.unread)}, created)


def _system(inventory: Inventory, created: str) -> dict[str, Any]:
    system = inventory.system
    row = _row(SYSTEM, system.id, system.version) | {"primaryPackagePurpose": "OPERATING-SYSTEM"}
    row |= {"summary": system.name} if system.name else {}
    return row | _note({"codename": system.codename}, created)


def _package(component: Component, number: int, created: str) -> dict[str, Any]:
    row = _row(_id(number), component.name, component.version)
    place = component.direct_url
    if spoken := bool(_PLACE.match(place)):
        row["downloadLocation"] = place
    row["licenseDeclared"] = expression = declared(component.licenses)
    row["externalRefs"] = [
        {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": component.purl}
    ]
    lost = said(expression, extracted(component.licenses)) != component.licenses
    return row | _note(
        {
            "path": component.path,
            "layer": component.layer,
            "owner": component.owner,
            "source": component.source_name,
            "source_version": component.source_version,
            "arch": component.arch,
            "licenses": list(component.licenses) if lost else [],
            "direct_url": "" if spoken else place,
        },
        created,
    )


def _note(pairs: Mapping[str, Any], created: str) -> dict[str, Any]:
    told = {name: value for name, value in pairs.items() if value}
    if not told:
        return {}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        "annotations": [
            {
                "annotationDate": created,
                "annotationType": "OTHER",
                "annotator": f"{TOOL}{__version__}",
                "comment": f"{NOTE}{text}",
            }
        ]
    }
