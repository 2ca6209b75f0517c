"""The name of a document that no other has, and that the same content has always."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from slipway.oci.digest import canonical


def urn(content: Any) -> str:
    """`urn:uuid:…` (RFC 9562) from the hash of values of JSON."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, hashlib.sha256(canonical(content)).hexdigest())}"
