"""One repository of one registry (OCI distribution-spec 1.1); for any number of threads.

Manifests and blobs are compared with their digests on the way in. Requests that fail for a reason that may pass are
tried again; what is cut off goes on from where it stopped.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from slipway.errors import FetchError, VerifyError
from slipway.oci import digest as dg
from slipway.oci.reader import INDEX_TYPES, MANIFEST_TYPES
from slipway.oci.store import Descriptor
from slipway.registry import download, upload
from slipway.registry.api import open_api

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from slipway.events import Reporter, Step
    from slipway.net import Answer, Client
    from slipway.oci.digest import Digest
    from slipway.oci.store import Store
    from slipway.registry.api import Api
    from slipway.registry.reference import Reference
    from slipway.settings import Settings

MOST = (
    4 << 20
)  # bytes of a manifest; what registries accept at least (distribution-spec: "Pushing Manifests")
_ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1"  # and +json, +prettyjws
_UNMOUNTABLE = (400, 401, 403, 404, 405)  # what registries say that do not mount, or not from there


class Session:
    """Made by `open_session`. `client` can be aborted, which ends what other threads wait for; `api` makes other requests."""

    def __init__(self, api: Api, reporter: Reporter) -> None:
        self.reference = api.reference
        self.client: Client = api.client
        self.api = api
        self._reporter = reporter
        self._offered: dict[Digest, str] = {}  # uploads that the registry opened where it would not mount
        self._lock = threading.Lock()

    # -- manifests -------------------------------------------------------------------------------------------

    def manifest(self, target: str) -> tuple[Descriptor, bytes]:
        """The manifest or index with this tag or digest, and its bytes.

        `FetchError` with status 404 when there is none, `VerifyError` when the bytes are not those of the digest.
        """
        return self.api.retry(lambda: self._manifest(target))

    def head(self, target: str) -> Descriptor | None:
        """What `manifest` would describe, without its bytes where the registry can tell; None when there is none."""
        return self.api.retry(lambda: self._head(target))

    def put_manifest(
        self, target: str, data: bytes, media_type: str, headers: Mapping[str, str] | None = None
    ) -> str:
        """Give the repository this manifest, as a tag or digest; what it refers to must be there.

        The digest of the subject that the registry lists it under (`OCI-Subject`); empty when it keeps no such list.
        """
        from slipway.net import Body

        url = self.api.url(f"manifests/{target}")

        def attempt() -> str:
            with self.api.request(
                "PUT",
                url,
                {"Content-Type": media_type, **(headers or {})},
                body=Body.of(data),
                ok=(200, 201, 202),
            ) as answer:
                self._check_digest(answer, dg.of_bytes(data))
                return answer.headers.get("oci-subject", "").strip()

        return self.api.retry(attempt)

    # -- blobs -----------------------------------------------------------------------------------------------

    def has_blob(self, digest: Digest) -> bool:
        return self.api.retry(lambda: self._status("HEAD", f"blobs/{digest}", (200, 404)) == 200)

    def read_blob(self, blob: Descriptor, store: Store, progress: Step | None = None) -> None:
        """Bring the blob into the store, unless it is there.

        Bytes are reported to `progress`, or to a step of their own. `VerifyError` when size or digest is wrong.
        """
        if store.has(blob.digest):
            return
        if progress is not None:
            download.download(self.api, blob, store, progress)
            return
        with self._reporter.step("pull", dg.hex_of(blob.digest)[:12], total=blob.size, unit="bytes") as step:
            download.download(self.api, blob, store, step)

    def mount(self, blob: Descriptor, source_repository: str) -> bool:
        """Let this repository have a blob of another one (`team/base`) in the same registry, without sending it.

        False when the registry does not do that; the blob has to be uploaded then.
        """
        query = urlencode({"mount": blob.digest, "from": source_repository})
        url = self.api.url(f"blobs/uploads/?{query}")

        def attempt() -> bool:
            with self.api.request(
                "POST", url, ok=(201, 202), scopes=[f"repository:{source_repository}:pull"]
            ) as answer:
                if answer.status == 202:
                    with self._lock:
                        self._offered[blob.digest] = self.api.location(answer, url)
                return answer.status == 201

        try:
            return self.api.retry(attempt)
        except FetchError as error:
            if error.status in _UNMOUNTABLE:
                return False
            raise

    def upload(self, blob: Descriptor, store: Store, progress: Step | None = None) -> None:
        """Send a blob of the store, in one piece or several; a cut upload goes on where the registry says it stopped.

        Bytes are reported to `progress`, or to a step of their own.
        """
        with self._lock:
            offered = self._offered.pop(blob.digest, "")
        if progress is not None:
            upload.upload(self.api, blob, store, progress, offered)
            return
        with self._reporter.step("push", dg.hex_of(blob.digest)[:12], total=blob.size, unit="bytes") as step:
            upload.upload(self.api, blob, store, step, offered)

    # -- how -------------------------------------------------------------------------------------------------

    def _status(self, method: str, path: str, ok: tuple[int, ...]) -> int:
        with self.api.request(method, self.api.url(path), ok=ok) as answer:
            return answer.status

    def _manifest(self, target: str) -> tuple[Descriptor, bytes]:
        with self.api.request(
            "GET", self.api.url(f"manifests/{target}"), {"Accept": _ACCEPT}, ok=(200, 404)
        ) as answer:
            if answer.status == 404:
                raise FetchError(f"no image {self._named(target)} in the registry", status=404)
            data = answer.read(MOST)
            digest = dg.of_bytes(data)
            if target.startswith("sha256:") and target != digest:
                raise VerifyError(
                    f"{self._named(target)} is not what was promised: its digest is wrong",
                    details=f"got {len(data)} bytes with {digest}",
                )
            self._check_digest(answer, digest)
            media_type = _media_type(data, _type_of(answer), self._named(target))
        return Descriptor(media_type, digest, len(data)), data

    def _head(self, target: str) -> Descriptor | None:
        with self.api.request(
            "HEAD", self.api.url(f"manifests/{target}"), {"Accept": _ACCEPT}, ok=(200, 404)
        ) as answer:
            if answer.status == 404:
                return None
            told = answer.headers.get("docker-content-digest", "")
            length, media_type = answer.headers.get("content-length", ""), _type_of(answer)
        if not (told and length.isdecimal() and media_type in (*INDEX_TYPES, *MANIFEST_TYPES)):
            return self._manifest(target)[0]
        try:
            digest = dg.parse(told)
        except ValueError as error:
            raise VerifyError(f"{self._named(target)}: {self.reference.registry} tells {error}") from error
        if target.startswith("sha256:") and target != digest:
            raise VerifyError(f"{self._named(target)} is {digest} in the registry")
        return Descriptor(media_type, digest, int(length))

    def _check_digest(self, answer: Answer, digest: Digest) -> None:
        told = answer.headers.get("docker-content-digest", "")
        if told.startswith("sha256:") and told != digest:
            raise VerifyError(
                f"{self.reference.registry} has other bytes than its digest says",
                details=f"it says {told}, the bytes have {digest}",
                hint="something on the way changes what is sent, or the registry is damaged",
            )

    def _named(self, target: str) -> str:
        return f"{self.reference.name}{'@' if ':' in target else ':'}{target}"


@contextmanager
def open_session(
    reference: Reference,
    settings: Settings,
    reporter: Reporter,
    *,
    push: bool = False,
    login: tuple[str, str] | None = None,
) -> Generator[Session]:
    """A session with the repository of `reference`; nothing is asked before it is used.

    `login` is user and password, instead of what Docker's configuration knows.
    """
    scope = f"repository:{reference.repository}:{'pull,push' if push else 'pull'}"
    with open_api(reference, [scope], settings, reporter, push=push, login=login) as api:
        yield Session(api, reporter)


def _type_of(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _media_type(data: bytes, told: str, name: str) -> str:
    """What the bytes say that they are, else what the registry says."""
    try:
        document: Any = json.loads(data)
        inner = document.get("mediaType") or told
        schema1 = document.get("schemaVersion") == 1
    except (ValueError, AttributeError, RecursionError) as error:
        raise FetchError(f"{name} is not a manifest: no JSON object") from error
    if schema1 or told.startswith(_SCHEMA1):
        raise FetchError(
            f"{name} has the format of Docker before 1.10 (schema 1), which is not supported",
            hint="pull and push it with a present Docker, which writes the present format",
        )
    if inner not in (*INDEX_TYPES, *MANIFEST_TYPES):
        raise FetchError(f"{name} is not an image", details=f"media type {str(inner)[:200] or 'not told'}")
    # a document that can be read as both would be another image to another reader
    if {"manifests", "layers"} <= document.keys() or ("manifests" in document) != (inner in INDEX_TYPES):
        raise FetchError(f"{name} is malformed", details=f"its fields are not those of {inner}")
    return str(inner)
