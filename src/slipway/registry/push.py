"""Send an image to a registry: what it lacks of the blobs, then the manifests, and the tag last.

Blobs that were sent to, or came from, this very repository are taken to be there still (`slipway.oci.origins`). A
registry that has lost one refuses the manifest (distribution-spec: MANIFEST_BLOB_UNKNOWN); then all are looked for.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from slipway.errors import FetchError, UsageError
from slipway.oci.origins import note_origin, origins
from slipway.oci.reader import INDEX_TYPES, MANIFEST_TYPES, every_blob
from slipway.registry.probe import look
from slipway.registry.small import is_small, push_small
from slipway.registry.wire import open_wire
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slipway.events import Reporter, Step
    from slipway.oci.store import Descriptor, Store
    from slipway.registry.reference import Reference
    from slipway.registry.session import Session
    from slipway.registry.wire import Wire
    from slipway.settings import Settings

T = TypeVar("T")
_BLOB_UNKNOWN = (400, 404)  # the first is the distribution project's, the second the specification's
_Place = Literal["mounted", "skipped", "missing"]


@value
class Pushed:
    """`uploaded`, `mounted` (from another repository of the registry) and `skipped` (there already) count blobs.

    `bytes` is the size of the uploaded ones; manifests are not counted. `attached` counts what was sent of that which refers
    to the image.
    """

    reference: str
    digest: str
    uploaded: int = 0
    mounted: int = 0
    skipped: int = 0
    bytes: int = 0
    attached: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def push(
    store: Store,
    image: Descriptor,
    reference: Reference,
    settings: Settings,
    reporter: Reporter,
    *,
    login: tuple[str, str] | None = None,
) -> Pushed:
    """Send the image (of an index all platforms) to `reference`; `login` is user and password.

    Nothing is sent when the tag means this image already. A failure leaves the tag as it was. `FetchError` when
    the registry cannot be reached or refuses; `UsageError` when `reference` has another digest.
    """
    if reference.digest and reference.digest != image.digest:
        raise UsageError(
            f"{reference} is not this image",
            details=f"the image has the digest {image.digest}",
            hint="leave the digest out; it follows from the image",
        )
    with store.shared(), open_wire(reference, settings, login, push=True) as wire:
        parts = every_blob(store, image).values()
        there = look(wire) if wire else None
        if there == image.digest:
            return _unchanged(parts, image, reference)
        with reporter.step("push", str(reference), unit="bytes") as step:
            pushed = _small(wire, image, parts, store, step) if wire and there is not None else None
            if pushed is None:
                from slipway.registry.session import open_session

                with open_session(reference, settings, reporter, push=True, login=login) as session:
                    found = session.head(reference.target) if there is None else None
                    if found is not None and found.digest == image.digest:
                        return _unchanged(parts, image, reference)
                    pushed = Delivery(store, session, settings, reporter, step).image(image, parts)
        for blob in _blobs(parts):
            note_origin(store, blob.digest, reference.name)
    return pushed


def _small(
    wire: Wire, image: Descriptor, parts: Iterable[Descriptor], store: Store, step: Step
) -> Pushed | None:
    """Push a few small blobs over the connection that is open; None when the usual way has to be taken."""
    blobs = _blobs(parts)
    places = {blob.digest: origins(store, blob.digest) for blob in blobs}
    unsure = [blob for blob in blobs if wire.reference.name not in places[blob.digest]]
    registry = f"{wire.reference.registry}/"
    mountable = any(place.startswith(registry) for blob in unsure for place in places[blob.digest])
    if mountable or not is_small(image, unsure, store):
        return None
    sent = push_small(wire, image, unsure, store)
    if sent is None:
        return None
    size = sum(blob.size for blob in sent)
    step.total += size
    step.advance(size)
    return Pushed(str(wire.reference), image.digest, len(sent), 0, len(blobs) - len(sent), size)


def _blobs(parts: Iterable[Descriptor]) -> list[Descriptor]:
    """What is neither manifest nor index."""
    return [blob for blob in parts if blob.media_type not in (*INDEX_TYPES, *MANIFEST_TYPES)]


def _unchanged(parts: Iterable[Descriptor], image: Descriptor, reference: Reference) -> Pushed:
    return Pushed(str(reference), image.digest, skipped=len(_blobs(parts)))


class Delivery:
    """Brings what a repository lacks of one image, or of several."""

    def __init__(
        self, store: Store, session: Session, settings: Settings, reporter: Reporter, step: Step
    ) -> None:
        self.store = store
        self.session = session
        self.settings = settings
        self.reporter = reporter
        self.step = step
        self.mounted = self.skipped = 0
        self.uploaded: list[Descriptor] = []

    def image(self, image: Descriptor, parts: Iterable[Descriptor]) -> Pushed:
        reference = self.session.reference
        blobs = _blobs(parts)
        documents = [part for part in parts if part.media_type in (*INDEX_TYPES, *MANIFEST_TYPES)]
        trusted = [blob for blob in blobs if reference.name in origins(self.store, blob.digest)]
        self.provide([blob for blob in blobs if blob not in trusted])
        try:
            self._publish(documents)
        except FetchError as error:
            if not trusted or error.status not in _BLOB_UNKNOWN:
                raise
            self.reporter.log(f"{error.brief}: looking for the blobs that should be there")
            self.provide(trusted)
            self._publish(documents)
        else:
            self.skipped += len(trusted)
        return Pushed(
            str(reference),
            image.digest,
            len(self.uploaded),
            self.mounted,
            self.skipped,
            sum(blob.size for blob in self.uploaded),
        )

    def provide(self, blobs: Sequence[Descriptor]) -> None:
        """See to it that the repository has these."""
        places = self._all([partial(self._place, blob) for blob in blobs])
        self.mounted += places.count("mounted")
        self.skipped += places.count("skipped")
        missing = [blob for blob, place in zip(blobs, places, strict=True) if place == "missing"]
        if not missing:
            return
        from slipway.registry.lazy import fetch

        fetch(self.store, missing, self.settings, self.reporter)
        self.step.total += sum(blob.size for blob in missing)
        largest_first = sorted(missing, key=lambda blob: -blob.size)
        self._all([partial(self.session.upload, blob, self.store, self.step) for blob in largest_first])
        self.uploaded += missing

    def _place(self, blob: Descriptor) -> _Place:
        reference = self.session.reference
        for place in origins(self.store, blob.digest):
            registry, _, repository = place.partition("/")
            if registry == reference.registry and repository != reference.repository:
                if self.session.mount(blob, repository):
                    return "mounted"
                break  # one that has lost it, or refuses, says enough about the others
        return "skipped" if self.session.has_blob(blob.digest) else "missing"

    def _publish(self, documents: Sequence[Descriptor]) -> None:
        """Manifests by their digests, before the indexes that name them; the image itself under its tag."""
        *inner, image = documents
        manifests = [d for d in inner if d.media_type in MANIFEST_TYPES]
        self._all([partial(self._put, document) for document in manifests])
        for index in inner:
            if index.media_type in INDEX_TYPES:
                self._put(index)
        self._put(image, self.session.reference.tag)

    def _put(self, document: Descriptor, target: str = "") -> None:
        data = self.store.read(document.digest)
        self.session.put_manifest(target or document.digest, data, document.media_type)

    def _all(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        from slipway.inputs.crew import run_all

        return run_all(tasks, self.session.client, self.settings.threads)
