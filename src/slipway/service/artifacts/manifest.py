"""Manifests of images, version 1.0: a JSON document that lists an image's artifacts. Pure: bytes in, values out, and back.

The texts of what is wrong are those that clients of IMS know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.service.model import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION: Final = "1.0"
ROOTFS: Final = "application/vnd.cray.image.rootfs.squashfs"
MANIFEST: Final = (
    "application/vnd.cray.image.manifest"  # in the manifests of deleted images: the one from before
)
_BROKEN: Final = "The image's manifest.json is malformed. "


class ManifestError(InputError):
    """The manifest cannot be used."""

    code = "manifest"


class NotJsonError(ManifestError):
    """Not JSON at all. `text` tells whether it is text."""

    def __init__(self, *, text: bool) -> None:
        super().__init__("the manifest is not JSON" if text else "the manifest is not text")
        self.text = text


@dataclass(frozen=True, slots=True)
class Artifact:
    """`md5` is hexadecimal, empty where the manifest has none."""

    link: Link
    type: str
    md5: str = ""


def decode(content: bytes) -> Any:
    """Any JSON; `NotJsonError` for what is none."""
    try:
        return json.loads(content.decode())
    except UnicodeDecodeError:
        raise NotJsonError(text=False) from None
    except (ValueError, RecursionError):
        raise NotJsonError(text=True) from None


def supported(document: object) -> dict[str, Any]:
    """The document, if it is of a version that is known; `ManifestError` otherwise."""
    if not isinstance(document, dict):
        raise ManifestError(f"{_BROKEN}It is not a json dictionary.")
    if "version" not in document:
        raise ManifestError("The image's manifest.json does not contain a version field.")
    if document["version"] != VERSION:
        known = f"Supported image manifest versions are: {VERSION}"
        raise ManifestError(f"The image's manifest.json has a version that is not supported. {known}")
    return document


def links(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The links as they are written, each checked when it is asked for; `ManifestError` for one that is not a link."""
    if "artifacts" not in document:
        raise ManifestError(f"{_BROKEN}It does not contain an artifacts map.")
    if not isinstance(document["artifacts"], list):
        raise ManifestError(f"{_BROKEN}The artifacts property is not a json list.")
    for artifact in document["artifacts"]:
        if not isinstance(artifact, dict):
            raise ManifestError(f"{_BROKEN}A listed artifact is not a json dictionary.")
        link = artifact.get("link")
        if not isinstance(link, dict):
            raise ManifestError(f"{_BROKEN}An artifact does not have a link value")
        if "type" not in link:
            raise ManifestError(f"{_BROKEN}An artifact does not have a link type field")
        if link["type"] != "s3":
            raise ManifestError(f"{_BROKEN}An artifact link type '{link['type']}' not supported")
        if not isinstance(link.get("path"), str):
            raise ManifestError(f"{_BROKEN}An artifact does not have a link path field")
        yield link


def roots(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The artifacts that are root file systems, of artifacts that `links` has seen; `ManifestError` when one has no type."""
    found = []
    for artifact in document["artifacts"]:
        kind = artifact.get("type")
        if not isinstance(kind, str):
            raise ManifestError(f"{_BROKEN}An artifact does not have a type field")
        if kind.startswith(ROOTFS):
            found.append(artifact)
    return found


def artifacts(document: object) -> list[Artifact]:
    """All that have a link into a storage, whatever else is wrong with the document: for those who move or remove them."""
    listed = document.get("artifacts") if isinstance(document, dict) else None
    found = []
    for each in listed if isinstance(listed, list) else []:
        link = each.get("link") if isinstance(each, dict) else None
        if isinstance(link, dict) and isinstance(path := link.get("path"), str):
            place = Link(path, _text(link.get("etag")))
            found.append(Artifact(place, _text(each.get("type")), _text(each.get("md5"))))
    return found


def encode(listed: Iterable[Artifact], created: str) -> bytes:
    """A manifest of these; `created` is written as it is."""
    entries = []
    for each in listed:
        link = {"etag": each.link.etag, "path": each.link.path, "type": each.link.type}
        entry: dict[str, object] = {"link": link, "type": each.type}
        if each.md5:
            entry["md5"] = each.md5
        entries.append(entry)
    document = {"artifacts": entries, "created": created, "version": VERSION}
    return json.dumps(document, indent=4, sort_keys=True).encode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
