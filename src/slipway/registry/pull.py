"""Bring an image from a registry into the store: manifests byte for byte as they are, whatever their media type.

Of an image that is here already, only its tag is asked for. Layers may stay away (`slipway.registry.lazy`).
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError, StoreError
from slipway.events import Reporter
from slipway.oci import digest as dg
from slipway.oci.origins import note_origin
from slipway.oci.reader import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    choose,
    every_blob,
    read_image,
    this_machine,
    walk,
)
from slipway.oci.store import INDEX_TYPE, MANIFEST_TYPE, Descriptor
from slipway.registry.probe import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.oci.digest import Digest
    from slipway.oci.store import Store
    from slipway.registry.reference import Reference
    from slipway.registry.session import Session
    from slipway.settings import Settings

_LARGEST_CONFIG = 4 << 20  # as of manifests; none needs more


def pull(
    reference: Reference,
    platform: str | None,
    store: Store,
    settings: Settings,
    reporter: Reporter,
    *,
    blobs: bool = True,
    login: tuple[str, str] | None = None,
) -> Descriptor:
    """Bring an image into the store, without a name; the descriptor of its manifest, or of the index.

    `platform` is `os/arch[/variant]`; None brings all platforms of an index, and "" this machine's, or the image
    as it is when there is only one. Without `blobs` the layers stay in the registry, which is noted as their origin.
    Hold `store.shared()` until the image has a name. `UsageError` when the image is not there (for this platform),
    `FetchError` when the registry cannot be reached or refuses, `InputError` when what it has is no image.
    """
    with store.shared(), ExitStack() as stack:
        source = _Source(reference, store, settings, reporter, login, stack)
        top = source.top()
        with _understood(reference):
            found = walk(top, source.document)
        if platform is None:
            image, manifests = top, found
        else:
            image = _chosen(source, top, found, platform)
            manifests = [image]
        layers: dict[Digest, Descriptor] = {}
        for manifest in manifests:
            layers |= source.take(manifest)
        if blobs:
            source.fetch(list(layers.values()))
        source.take_indexes()
        if image.media_type in INDEX_TYPES:
            _check_whole(store, image, layers, reference)
    return image


def _chosen(source: _Source, top: Descriptor, found: Sequence[Descriptor], platform: str) -> Descriptor:
    if top.media_type in MANIFEST_TYPES:
        found = [source.with_platform(top)]
        platform = platform or found[0].platform
    return choose(list(found), platform or this_machine(), str(source.reference))


def _check_whole(
    store: Store, image: Descriptor, layers: dict[Digest, Descriptor], reference: Reference
) -> None:
    """An index may name things that are no manifests; nobody could say what else they need."""
    for part in every_blob(store, image).values():
        if part.digest not in layers and not store.has(part.digest):
            raise InputError(
                f"{reference} holds more than images: {part.media_type}",
                hint="pull one platform of it with `--platform`",
            )


@contextmanager
def _understood(reference: Reference) -> Iterator[None]:
    """What is malformed came from the registry: the store is sound."""
    try:
        yield
    except StoreError as error:
        raise InputError(
            f"{reference} is not an image that Slipway understands", details=error.details or error.brief
        ) from error


class _Source:
    """One image in a registry, asked only for what is not in the store."""

    def __init__(
        self,
        reference: Reference,
        store: Store,
        settings: Settings,
        reporter: Reporter,
        login: tuple[str, str] | None,
        stack: ExitStack,
    ) -> None:
        self.reference = reference
        self._store = store
        self._settings = settings
        self._reporter = reporter
        self._login = login
        self._stack = stack
        self._session: Session | None = None
        self._documents: dict[Digest, tuple[Descriptor, bytes]] = {}

    @property
    def session(self) -> Session:
        """Opened when first needed: often nothing has to be asked."""
        if self._session is None:
            from slipway.registry.session import open_session

            self._session = self._stack.enter_context(
                open_session(self.reference, self._settings, self._reporter, login=self._login)
            )
        return self._session

    def top(self) -> Descriptor:
        """What the reference means now."""
        digest = self.reference.digest or digest_of(self.reference, self._settings, self._login)
        if not digest:
            head = self.session.head(self.reference.target)
            digest = head.digest if head else ""
        if digest and (known := self._stored(dg.parse(digest))):
            return known
        descriptor, data = self.session.manifest(digest or self.reference.target)
        self._documents[descriptor.digest] = descriptor, data
        return descriptor

    def _stored(self, digest: Digest) -> Descriptor | None:
        if not self._store.has(digest):
            return None
        data = self._store.read(digest)
        value = _parsed(data, self.reference)
        kind = INDEX_TYPE if "manifests" in value else MANIFEST_TYPE
        return Descriptor(str(value.get("mediaType") or kind), digest, len(data))

    def document(self, blob: Descriptor) -> dict[str, Any]:
        """A manifest or index, from the store or else the registry."""
        return _parsed(self._bytes(blob), self.reference)

    def _bytes(self, blob: Descriptor) -> bytes:
        if self._store.has(blob.digest):
            return self._store.read(blob.digest)
        if blob.digest not in self._documents:
            _, data = self.session.manifest(blob.digest)
            self._documents[blob.digest] = blob, data
        return self._documents[blob.digest][1]

    def with_platform(self, manifest: Descriptor) -> Descriptor:
        """The descriptor with the platform that the configuration tells."""
        config = self._config(manifest)
        words = (config.get("os"), config.get("architecture"), config.get("variant"))
        return replace(manifest, platform="/".join(w for w in words if isinstance(w, str) and w))

    def _config(self, manifest: Descriptor) -> dict[str, Any]:
        data = self.document(manifest)
        with _understood(self.reference):
            config = Descriptor.from_json(data.get("config") or {})
            if config.size > _LARGEST_CONFIG:
                raise StoreError(f"its configuration has {config.size} bytes")
        if not self._store.has(config.digest):
            self.session.read_blob(config, self._store, Reporter().step("configuration"))
        note_origin(self._store, config.digest, self.reference.name)
        return _parsed(self._store.read(config.digest), self.reference)

    def take(self, manifest: Descriptor) -> dict[Digest, Descriptor]:
        """Put a manifest and its configuration into the store and note where its layers are; these."""
        self._config(manifest)
        self._store.put(self._bytes(manifest), manifest.media_type)
        with _understood(self.reference):
            layers = {layer.digest: layer for layer in read_image(self._store, manifest).blobs}
        for digest in layers:
            note_origin(self._store, digest, self.reference.name)
        return layers

    def take_indexes(self) -> None:
        """Put the indexes that were read into the store, the innermost first."""
        for descriptor, data in reversed(self._documents.values()):
            self._store.put(data, descriptor.media_type)

    def fetch(self, layers: Sequence[Descriptor]) -> None:
        absent = sorted(
            (layer for layer in layers if not self._store.has(layer.digest)), key=lambda layer: -layer.size
        )
        if not absent:
            return
        from slipway.inputs.crew import run_all

        session = self.session
        total = sum(layer.size for layer in absent)
        with self._reporter.step("pull", str(self.reference), total=total, unit="bytes") as step:
            run_all(
                [partial(session.read_blob, layer, self._store, step) for layer in absent],
                session.client,
                self._settings.threads,
            )


def _parsed(data: bytes, reference: Reference) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{reference} holds a manifest that is not JSON") from error
    if not isinstance(value, dict):
        raise InputError(f"{reference} holds a manifest that is not a JSON object")
    return value
