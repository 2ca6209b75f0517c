"""Packages of conda environments: `conda-meta/NAME-VERSION-BUILD.json` (conda's documentation: Package metadata)."""

from __future__ import annotations

from slipway.scan.inventory.interest import owned
from slipway.scan.inventory.model import FileFacts, Package
from slipway.scan.inventory.words import json_object, licences, optional, word


def package(path: str, data: bytes) -> FileFacts:
    """What one file tells; `files` in it are relative to the environment."""
    value = json_object(data)
    environment = path.rpartition("conda-meta/")[0]
    qualifiers = {
        "build": optional(value.get("build"), "build"),
        "channel": _channel(optional(value.get("channel"), "channel")),
        "subdir": optional(value.get("subdir"), "platform"),
    }
    files = value.get("files")
    row = Package(
        "conda",
        word(value.get("name"), "name"),
        word(value.get("version"), "version"),
        licenses=licences(value.get("license")),
        qualifiers=tuple((k, v) for k, v in qualifiers.items() if v),
        owns=owned(environment + f for f in files if isinstance(f, str)) if isinstance(files, list) else (),
    )
    return FileFacts((row,))


def _channel(text: str) -> str:
    """The channel's own name: addresses may hold a token (`/t/TOKEN/`) or a password."""
    if "://" not in text:
        return text
    parts = text.partition("://")[2].split("/")[1:]
    if parts[:1] == ["t"]:
        parts = parts[2:]
    return next((p for p in parts if p and p not in ("conda", "channels")), "")
