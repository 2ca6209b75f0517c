"""What is attached to an image: artifacts whose manifests name it as their subject (image-spec 1.1: manifest.md).

    store/referrers/<subject hex>/<artifact hex>.json    the descriptor of the artifact's manifest; `source`: whence it was pulled

An artifact that is made here has one document as its only layer, and the empty configuration. Each is kept as long as its
subject is.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from slipway.errors import StoreError
from slipway.files import read_json, write_json
from slipway.oci import digest as dg
from slipway.oci.reader import every_blob
from slipway.oci.store import MANIFEST_TYPE, Descriptor
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slipway.oci.digest import Digest
    from slipway.oci.store import Store

EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"  # image-spec: manifest.md, Guidance for an Empty Descriptor
_TITLE = "org.opencontainers.image.title"


@value
class Referrer:
    """An artifact: `manifest` is its own, `subject` the digest of what it is attached to; type and annotations are as its manifest says.

    `source` is the repository that it was pulled from; empty for what was attached here.
    """

    manifest: Descriptor
    subject: Digest
    artifact_type: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    def as_json(self) -> dict[str, Any]:
        """The descriptor as lists of referrers have it (distribution-spec: "Listing Referrers")."""
        row = self.manifest.as_json() | {"artifactType": self.artifact_type}
        return row | ({"annotations": dict(self.annotations)} if self.annotations else {})

    @classmethod
    def from_json(cls, data: dict[str, Any], subject: Digest) -> Referrer:
        """`StoreError` when it is malformed."""
        manifest = Descriptor.from_json(data)
        annotations = data.get("annotations") or {}
        if not isinstance(annotations, dict):
            raise StoreError("malformed descriptor: its annotations are no object")
        told = {str(k): str(v) for k, v in annotations.items()}
        plain = Descriptor(manifest.media_type, manifest.digest, manifest.size)
        return cls(plain, subject, str(data.get("artifactType") or ""), told)


def attach(
    store: Store,
    subject: Descriptor,
    artifact_type: str,
    document: bytes,
    *,
    title: str,
    annotations: Mapping[str, str],
) -> Referrer:
    """Attach a document to the image (or index) `subject`, in place of others of its type made here; the same gives the same.

    `title` is the name of the file. Hold `store.shared()` meanwhile.
    """
    layer = store.put(document, artifact_type)
    config = store.put(_EMPTY, EMPTY_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": config.as_json(),
        "layers": [layer.as_json() | {"annotations": {_TITLE: title}}],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
        "annotations": dict(annotations),
    }
    stored = store.put(dg.canonical(manifest), MANIFEST_TYPE)
    made = Referrer(stored, subject.digest, artifact_type, dict(annotations))
    keep(store, made)
    for other in referrers(store, subject.digest):
        ours = other.artifact_type == artifact_type and not other.source
        if ours and other.manifest.digest != stored.digest:
            _place(store, other).unlink(missing_ok=True)
    return made


def keep(store: Store, referrer: Referrer) -> None:
    """Let an artifact that is in the store be attached to its subject."""
    source = {"source": referrer.source} if referrer.source else {}
    write_json(_place(store, referrer), referrer.as_json() | source, durable=True)


def referrers(store: Store, subject: Digest) -> list[Referrer]:
    """What is attached to one manifest or index in the store, by digest."""
    place = store.root / "referrers" / dg.hex_of(subject)
    rows = (read_json(path) for path in sorted(place.glob("*.json")))
    return [
        replace(Referrer.from_json(row, subject), source=str(row.get("source", "")))
        for row in rows
        if isinstance(row, dict)
    ]


def attached(store: Store, image: Descriptor) -> list[Referrer]:
    """What is attached to any part of an image, and to what is attached; after what it refers to."""
    found: list[Referrer] = []
    todo = list(every_blob(store, image))
    for subject in todo:
        here = [r for r in referrers(store, subject) if r.manifest.digest not in todo]
        found += here
        todo += [r.manifest.digest for r in here]
    return found


def family(store: Store, image: Descriptor) -> dict[Digest, Descriptor]:
    """Every blob of an image (`slipway.oci.reader.every_blob`) and of all that is attached to it."""
    found = every_blob(store, image)
    for referrer in attached(store, image):
        found |= every_blob(store, referrer.manifest)
    return found


def _place(store: Store, referrer: Referrer) -> Path:
    name = f"{dg.hex_of(referrer.manifest.digest)}.json"
    return store.root / "referrers" / dg.hex_of(referrer.subject) / name
