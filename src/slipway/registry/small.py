"""Push what is small over the connection that has asked already (`slipway.registry.wire`).

A changed file makes one small layer, a configuration and a manifest. Anything unexpected on the way ends this: the
caller then pushes in the usual way, which finds out what is there and repeats what is not.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from slipway.aside import aside
from slipway.oci.store import MANIFEST_TYPE
from slipway.registry.wire import OddError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.oci.store import Descriptor, Store
    from slipway.registry.wire import Wire

LARGEST = 256 << 10  # bytes of all blobs together
_BLOBS = 4  # the usual way sends more of them side by side


def is_small(image: Descriptor, blobs: Sequence[Descriptor], store: Store) -> bool:
    """Whether an image whose `blobs` may be missing in the registry is one to be pushed like this."""
    return (
        image.media_type == MANIFEST_TYPE
        and len(blobs) <= _BLOBS
        and sum(blob.size for blob in blobs) <= LARGEST
        and all(store.has(blob.digest) for blob in blobs)
    )


def push_small(
    wire: Wire, image: Descriptor, blobs: Sequence[Descriptor], store: Store
) -> list[Descriptor] | None:
    """See to it that the registry has `blobs`, then set the tag; those that were sent, or None where it did not work out."""
    try:
        sent = _provide_all(wire, blobs, store)
        document = store.read(image.digest)
        path = wire.path(f"manifests/{wire.reference.tag or image.digest}")
        reply = wire.ask("PUT", path, {"Content-Type": image.media_type}, document)
        told = reply.headers.get("docker-content-digest", image.digest)
    except (OSError, OddError):
        return None
    return sent if reply.status == 201 and told == image.digest else None


def _provide_all(wire: Wire, blobs: Sequence[Descriptor], store: Store) -> list[Descriptor]:
    """The blobs that had to be sent. Side by side: a registry spends most of its time waiting for the disk."""

    def provide(wire: Wire, blob: Descriptor) -> bool:
        try:
            return _provide(wire, blob, store)
        finally:
            wire.close()

    others = [aside(partial(provide, wire.twin(), blob)) for blob in blobs[1:]]
    sent = [_provide(wire, blob, store) for blob in blobs[:1]]
    sent += [wait() for wait in others]
    return [blob for blob, was_sent in zip(blobs, sent, strict=True) if was_sent]


def _provide(wire: Wire, blob: Descriptor, store: Store) -> bool:
    """Send a blob unless it is there (distribution-spec: "Pushing blobs", POST then PUT)."""
    if wire.ask("HEAD", wire.path(f"blobs/{blob.digest}")).status == 200:
        return False
    start = wire.path("blobs/uploads/")
    opened = wire.ask("POST", start, body=b"")
    if opened.status != 202:
        raise OddError
    place = wire.location(opened, start)
    whole = f"{place}{'&' if '?' in place else '?'}digest={quote(blob.digest, safe='')}"
    done = wire.ask("PUT", whole, {"Content-Type": "application/octet-stream"}, store.read(blob.digest))
    if done.status != 201:
        raise OddError
    return True
