"""What is attached to an image, in the store or in a registry: list it, and get one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from slipway.errors import InputError, StoreError, UsageError
from slipway.images.attachedplaces import InRegistry, InStore
from slipway.oci.reader import INDEX_TYPES, choose, this_machine, walk
from slipway.oci.store import Descriptor, Store
from slipway.scan.sbom.write import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.events import Reporter
    from slipway.oci.referrer import Referrer
    from slipway.settings import Settings

_LARGEST = 1 << 30  # bytes of a document
_CREATED = "org.opencontainers.image.created"


@dataclass(frozen=True, slots=True)
class Attached:
    """`type` is the artifact's media type, `platform` that of its subject where an index tells it, `created` what it says."""

    digest: str
    type: str
    subject: str
    platform: str
    created: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def list_attached(name: str, settings: Settings, reporter: Reporter, *, platform: str = "") -> list[Attached]:
    """What is attached to the image `name` in the store or else in its registry (`registry:REF`: there anyhow).

    Of an image for several platforms, to the image as a whole and to each, or with `platform` to that one.
    """
    with _place(name, settings, reporter) as place:
        return [_row(r, subject) for subject, r in _found(place, name, platform)]


def fetch_attached(
    name: str, wanted: str, file: IO[bytes], settings: Settings, reporter: Reporter, *, platform: str = ""
) -> Attached:
    """Write the one document of an artifact into `file`, checked against its digest.

    `wanted` is the name of a format of bills of materials, the artifact's type, or its digest. Of an image for several
    platforms it is the one of `platform`, or of this machine's. `UsageError` when there is none, or several.
    """
    kind = FORMATS[wanted].media_type if wanted in FORMATS else wanted
    with _place(name, settings, reporter) as place:
        rows = _found(place, name, platform)
        hits = [(subject, r) for subject, r in rows if kind in (r.artifact_type, r.manifest.digest)]
        if len(hits) > 1 and not platform and (platforms := [s for s, _ in hits if s.platform]):
            chosen = choose(platforms, this_machine(), name).digest
            hits = [(subject, r) for subject, r in hits if subject.digest == chosen]
        if len(hits) != 1:
            raise _not_one(name, wanted, [r for _, r in hits], [r for _, r in rows])
        ((subject, referrer),) = hits
        blob = _document(place.document(referrer.manifest), referrer)
        place.copy(blob, file)
    return _row(referrer, subject)


def _not_one(name: str, wanted: str, hits: list[Referrer], rows: list[Referrer]) -> UsageError:
    if hits:
        digests = "\n".join(r.manifest.digest for r in hits)
        return UsageError(
            f"{name} has {len(hits)} attached: {wanted}", details=digests, hint="fetch one by its digest"
        )
    types = ", ".join(sorted({r.artifact_type for r in rows}))
    return UsageError(
        f"{name} has nothing attached that is {wanted!r}",
        hint=f"there are: {types}" if types else "nothing is attached to it at all",
    )


def _found(place: InStore | InRegistry, name: str, platform: str) -> list[tuple[Descriptor, Referrer]]:
    """Subjects and what is attached to them."""
    try:
        top = place.top()
        manifests = walk(top, place.document)
        if platform:
            subjects = [choose(manifests, platform, name)]
        else:
            subjects = [*([top] if top.media_type in INDEX_TYPES else []), *manifests]
        return [(subject, r) for subject in subjects for r in place.referrers(subject.digest)]
    except StoreError as error:
        if isinstance(place, InStore):
            raise
        raise InputError(f"{name} is not an image that Slipway understands", details=error.brief) from error


def _document(manifest: dict[str, Any], referrer: Referrer) -> Descriptor:
    layers = manifest.get("layers")
    subject = manifest.get("subject")
    if not isinstance(subject, dict) or subject.get("digest") != referrer.subject:
        raise InputError(f"the artifact {referrer.manifest.digest} is attached to something else")
    if not isinstance(layers, list) or len(layers) != 1:
        raise InputError(f"the artifact {referrer.manifest.digest} is not one document")
    try:
        blob = Descriptor.from_json(layers[0])
    except StoreError as error:
        raise InputError(
            f"the artifact {referrer.manifest.digest} is malformed", details=error.brief
        ) from error
    if blob.size > _LARGEST:
        raise InputError(
            f"the document in {referrer.manifest.digest} has {blob.size} bytes; at most {_LARGEST} are taken"
        )
    return blob


def _row(referrer: Referrer, subject: Descriptor) -> Attached:
    return Attached(
        referrer.manifest.digest,
        referrer.artifact_type,
        referrer.subject,
        subject.platform,
        referrer.annotations.get(_CREATED, ""),
    )


@contextmanager
def _place(name: str, settings: Settings, reporter: Reporter) -> Iterator[InStore | InRegistry]:
    from slipway.registry.reference import parse

    store = Store(settings.store)
    asked = name.removeprefix("registry:")
    with store.shared():
        if asked == name:
            try:
                image = store.find(name)
            except UsageError:
                if name.startswith("sha256:"):
                    raise
            else:
                yield InStore(store, image)
                return
        from slipway.registry.session import open_session

        reference = parse(asked)
        with open_session(reference, settings, reporter) as session:
            yield InRegistry(session)
