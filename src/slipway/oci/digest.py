"""Digests as the OCI image specification writes them: `sha256:` and 64 hex digits (spec: descriptor.md, Digests)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NewType

from slipway.patterns import pattern

if TYPE_CHECKING:
    from pathlib import Path

Digest = NewType("Digest", str)

_FORM = pattern(r"sha256:[0-9a-f]{64}\Z")


def parse(text: str) -> Digest:
    """`ValueError` unless text is a sha256 digest."""
    if not _FORM.match(text):
        raise ValueError(f"not a sha256 digest: {text!r}")
    return Digest(text)


def of_bytes(data: bytes) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def of_file(path: Path) -> Digest:
    with path.open("rb") as file:
        return Digest("sha256:" + hashlib.file_digest(file, "sha256").hexdigest())


def hex_of(digest: Digest) -> str:
    return digest.removeprefix("sha256:")


def canonical(value: Any) -> bytes:
    """JSON bytes that are equal for equal values: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def key_of(*parts: Any) -> str:
    """A hex cache key for any JSON-able parts."""
    return hashlib.sha256(canonical(parts)).hexdigest()
