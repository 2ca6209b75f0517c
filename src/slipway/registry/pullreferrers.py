"""Bring what is attached to an image into the store after it, where it is kept as if it had been attached here.

Anybody who may push to a repository may attach something to its images, so what is malformed, too large or not what its digest
says is told and left out: it is no reason not to have the image.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import FetchError, InputError, StoreError, VerifyError
from slipway.net_errors import TransientError
from slipway.oci.origins import note_origin
from slipway.oci.reader import INDEX_TYPES, MANIFEST_TYPES, manifests
from slipway.oci.referrer import Referrer, keep, referrers
from slipway.oci.store import Descriptor

if TYPE_CHECKING:
    from slipway.events import Reporter, Step
    from slipway.oci.digest import Digest
    from slipway.oci.store import Store
    from slipway.registry.reference import Reference
    from slipway.registry.session import Session
    from slipway.settings import Settings

_MOST: Final = 1000  # artifacts of one image
_MOST_BYTES: Final = 1 << 30  # of all of them
_NOT_THERE: Final = (None, 404)  # statuses of what is gone, or no manifest


def pull_referrers(
    store: Store,
    image: Descriptor,
    reference: Reference,
    settings: Settings,
    reporter: Reporter,
    *,
    login: tuple[str, str] | None = None,
) -> int:
    """Bring all that the repository of `reference` has attached to any manifest of `image`, and to what is attached.

    How much of it is in the store then. Hold `store.shared()` until the image has a name. `FetchError` when the registry cannot
    be reached or refuses; what cannot be kept is a warning.
    """
    from slipway.registry.session import open_session

    with (
        reporter.step("pull attached", reference.name, unit="bytes") as step,
        open_session(reference, settings, reporter, login=login) as session,
    ):
        found = _Bringer(store, session, reporter, step).bring(image)
        step.detail = f"{reference.name}, {found} attached"
    return found


class _UnfitError(InputError):
    """An artifact that cannot be kept."""


class _Bringer:
    def __init__(self, store: Store, session: Session, reporter: Reporter, step: Step) -> None:
        self._store = store
        self._session = session
        self._reporter = reporter
        self._step = step
        self._room = _MOST_BYTES

    def bring(self, image: Descriptor) -> int:
        from slipway.registry.referrers import list_referrers

        subjects = list(dict.fromkeys((image.digest, *(m.digest for m in manifests(self._store, image)))))
        seen: set[Digest] = set(subjects)
        left = _MOST
        found = 0
        for subject in subjects:
            listed = {r.manifest.digest: r for r in list_referrers(self._session, subject)}
            here = {r.manifest.digest for r in referrers(self._store, subject)}
            for digest in sorted(listed.keys() - seen):
                if not left:
                    self._reporter.warn(
                        f"{self._session.reference.name} has more than {_MOST} attached to {image.digest}"
                    )
                    return found
                left -= 1
                seen.add(digest)
                if digest in here or self._take(listed[digest]):
                    found += 1
                    subjects.append(digest)
        return found

    def _take(self, listed: Referrer) -> bool:
        """Whether it is in the store now."""
        try:
            self._fetch(listed)
        except (_UnfitError, VerifyError) as error:
            why = error.brief
        except FetchError as error:
            if error.status not in _NOT_THERE or isinstance(error, TransientError):
                raise
            why = error.brief
        else:
            return True
        self._reporter.warn(
            f"{listed.manifest.digest}, attached to {listed.subject[:19]}, is left out: {why}"
        )
        return False

    def _fetch(self, listed: Referrer) -> None:
        if listed.manifest.media_type not in MANIFEST_TYPES:
            raise _UnfitError(f"it is no artifact but {str(listed.manifest.media_type)[:100]}")
        manifest, data = self._session.manifest(listed.manifest.digest)
        referrer, blobs = _understood(manifest, data, listed.subject, self._session.reference.name)
        absent = {blob.digest: blob for blob in blobs if not self._store.has(blob.digest)}
        size = sum(blob.size for blob in absent.values())
        if size > self._room:
            raise _UnfitError(f"it has {size} bytes, and at most {_MOST_BYTES} are taken of all together")
        self._room -= size
        self._step.total += size
        for blob in absent.values():
            self._session.read_blob(blob, self._store, self._step)
        for blob in blobs:
            if self._store.path(blob.digest).stat().st_size != blob.size:
                raise _UnfitError(f"{blob.digest} has not the size that is told of it")
        self._store.put(data, manifest.media_type)
        for blob in (*blobs, manifest):
            note_origin(self._store, blob.digest, self._session.reference.name)
        keep(self._store, referrer)


def _understood(
    manifest: Descriptor, data: bytes, subject: Digest, source: str
) -> tuple[Referrer, list[Descriptor]]:
    """The artifact as its manifest has it, and its blobs, one of them perhaps twice; nothing in these may lead further."""
    value: dict[str, Any] = json.loads(data)
    try:
        if Descriptor.from_json(value.get("subject") or {}).digest != subject:
            raise _UnfitError("it is attached to something else")
        config = Descriptor.from_json(value["config"])
        blobs = [config, *map(Descriptor.from_json, value["layers"])]
        kind = value.get("artifactType") or config.media_type  # image-spec 1.1: manifest.md, `artifactType`
        annotations = dict(value.get("annotations") or {})
        sound = (
            all(isinstance(text, str) for text in (kind, *annotations.values()))
            and all(isinstance(b.media_type, str) and b.size >= 0 for b in blobs)
            and not any(b.media_type in (*MANIFEST_TYPES, *INDEX_TYPES) for b in blobs)
        )
    except (StoreError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _UnfitError("its manifest is malformed") from error
    if not sound:
        raise _UnfitError("its manifest is malformed")
    return Referrer(manifest, subject, kind, annotations, source), blobs
