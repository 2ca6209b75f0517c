"""Bills of materials as bytes, in the formats that there are."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Final

from slipway.values import value

if TYPE_CHECKING:
    from slipway.scan.model import Inventory


@value
class Format:
    """`media_type` as registered with IANA, `ending` of files that hold it; `module` has its `document`."""

    media_type: str
    ending: str
    module: str


FORMATS: Final = {
    "cyclonedx": Format("application/vnd.cyclonedx+json", ".cdx.json", "slipway.scan.sbom.cyclonedx"),
    "spdx": Format("application/spdx+json", ".spdx.json", "slipway.scan.sbom.spdx"),
}


def format_of(file: str) -> str:
    """The format that a file's name ends in; empty when it tells none."""
    return next((name for name, form in FORMATS.items() if file.lower().endswith(form.ending)), "")


def written(inventory: Inventory, form: str) -> bytes:
    """The document; the same inventory gives the same bytes."""
    document = import_module(FORMATS[form].module).document(inventory)
    return f"{json.dumps(document, indent=1)}\n".encode()
