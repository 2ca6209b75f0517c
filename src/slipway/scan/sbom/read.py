"""Inventories from bills of materials in JSON: CycloneDX or SPDX, told apart by what they say that they are."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError, UsageError
from slipway.scan.model import System
from slipway.scan.sbom.fields import qualifiers

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.scan.model import Inventory

_MOST_BYTES: Final = 256 << 20
_SYSTEM: Final = ("deb", "apk", "rpm")


def read_sbom(path: Path) -> Inventory:
    """The inventory in the document at `path`.

    What names no package is left out; packages of a kind that nobody scans are `generic`. `UsageError` when there is no
    such file, `InputError` when it is neither a CycloneDX nor an SPDX 2 document in JSON.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"{path} is larger than any bill of materials ({_MOST_BYTES >> 20} MiB)")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {str(error)[:200]}") from error
    document = value if isinstance(value, dict) else {}
    if document.get("bomFormat") == "CycloneDX":
        from slipway.scan.sbom.readcyclonedx import inventory_of
    elif str(document.get("spdxVersion")).startswith("SPDX-2."):
        from slipway.scan.sbom.readspdx import inventory_of
    else:
        raise InputError(
            f"{path} is neither a CycloneDX nor an SPDX 2 document", hint="write one with `slipway sbom`"
        )
    try:
        found = inventory_of(document, str(path))
    except InputError as error:
        raise InputError(f"{path}: {error.brief}") from error
    return found if found.system.id else replace(found, system=_system(found))


def _system(inventory: Inventory) -> System:
    """What most packages of a system say it is (`distro=debian-12` in their package URLs); not every writer says it apart."""
    said = Counter(
        distro
        for component in inventory.components
        if component.kind in _SYSTEM and (distro := qualifiers(component.purl).get("distro"))
    )
    if not said:
        return System()
    name, _, version = min(said, key=lambda distro: (-said[distro], distro)).rpartition("-")
    return System(name, version) if name else System(version)
