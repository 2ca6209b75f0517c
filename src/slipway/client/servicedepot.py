"""Artifacts that go through the service's own API (`/v4/artifacts`, `/v4/uploads`), which an IMS has not.

The ids of uploads are kept here, in the cache, until they are completed: that is what `begun` looks at first. For those that another
machine began it asks the service, which lists them by their records only.
"""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import b64decode, b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from slipway.client.depot import MissingObjectError, Placed
from slipway.client.errors import ServiceError
from slipway.client.records import pages
from slipway.errors import FetchError
from slipway.files import read_json, write_json
from slipway.net import Body

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from slipway.client.session import Session

_META: Final = "X-Meta-"


class ServiceDepot:
    """`state` is the directory for the ids of uploads."""

    def __init__(self, session: Session, state: Path) -> None:
        self._session = session
        self._state = state
        self._lock = threading.Lock()
        self._touched: set[tuple[str, str]] = set()

    def close(self) -> None:
        """The session belongs to somebody else."""

    def head(self, bucket: str, key: str) -> Placed | None:
        try:
            headers, _ = self._session.send("HEAD", artifact_path(bucket, key))
        except ServiceError as error:
            if error.status == 404:
                return None
            raise
        md5 = headers.get(f"{_META}md5sum", "") or _digest(headers.get("repr-digest", ""))
        size = headers.get("content-length", "")
        if not size.isdecimal():
            raise FetchError(f"the service does not say how long s3://{bucket}/{key} is")
        return Placed(int(size), headers.get("etag", "").strip('"'), md5)

    def read(self, bucket: str, key: str, limit: int) -> bytes:
        with _missing():
            _, content = self._session.send("GET", artifact_path(bucket, key), most=limit)
        return content

    def put(self, bucket: str, key: str, content: bytes, kind: str, metadata: Mapping[str, str]) -> None:
        headers = {f"{_META}{name}": text for name, text in metadata.items()}
        headers |= {"Content-Type": kind, "Content-MD5": _md5(content)}
        self._touch(bucket, key)
        with _refused(bucket):
            self._session.send("PUT", artifact_path(bucket, key), Body.of(content), headers=headers)

    def begun(self, bucket: str, key: str) -> str:
        return self._known(bucket, key) or self._listed(bucket, key)

    def _known(self, bucket: str, key: str) -> str:
        found = read_json(self._file(bucket, key))
        upload = found.get("upload") if isinstance(found, dict) else None
        if not isinstance(upload, str):
            return ""
        try:
            self.parts(bucket, key, upload)
        except MissingObjectError:
            self._file(bucket, key).unlink(missing_ok=True)
            return ""
        return upload

    def _listed(self, bucket: str, key: str) -> str:
        try:
            found = list(pages(self._session, "/v4/uploads", {"bucket": bucket, "prefix": key}))
        except ServiceError as error:
            if error.status in (404, 405, 422):  # an older one, or one without this bucket
                return ""
            raise
        same = [(str(each.get("begun")), str(each.get("id", ""))) for each in found if each.get("key") == key]
        return max(same, default=("", ""))[1]

    def begin(self, bucket: str, key: str, kind: str, metadata: Mapping[str, str]) -> str:
        asked = {"bucket": bucket, "key": key, "content_type": kind, "metadata": dict(metadata)}
        self._touch(bucket, key)
        with _refused(bucket):
            upload = str(_object(self._session.call("POST", "/v4/uploads", asked)).get("id", ""))
        write_json(self._file(bucket, key), {"upload": upload})
        return upload

    def part(
        self,
        bucket: str,  # noqa: ARG002 - the id of the upload says it
        key: str,  # noqa: ARG002
        upload: str,
        number: int,
        content: bytes,
        md5: bytes,
    ) -> str:
        headers = {"Content-Type": "application/octet-stream", "Content-MD5": b64encode(md5).decode()}
        path = f"/v4/uploads/{quote(upload, safe='')}/parts/{number}"
        with _missing():
            _, answered = self._session.send("PUT", path, Body.of(content), headers=headers)
        return str(_object(_json(answered)).get("etag", ""))

    def parts(self, bucket: str, key: str, upload: str) -> dict[int, tuple[int, str]]:  # noqa: ARG002
        with _missing():
            found = _object(self._session.get(f"/v4/uploads/{quote(upload, safe='')}"))
        try:
            return {
                int(each["part"]): (int(each["size"]), str(each["etag"])) for each in found.get("parts", ())
            }
        except (KeyError, TypeError, ValueError) as error:
            raise FetchError("the service lists parts in a form that is unknown here") from error

    def complete(self, bucket: str, key: str, upload: str, parts: Sequence[tuple[int, str]]) -> None:
        listed = {"parts": [{"part": number, "etag": etag} for number, etag in parts]}
        path = f"/v4/uploads/{quote(upload, safe='')}:complete"
        with _missing():
            self._session.call("POST", path, listed, again=True)
        self._file(bucket, key).unlink(missing_ok=True)

    def abort(self, bucket: str, key: str, upload: str) -> None:
        self._session.call("DELETE", f"/v4/uploads/{quote(upload, safe='')}")
        self._file(bucket, key).unlink(missing_ok=True)

    def delete_below(self, bucket: str, prefix: str) -> None:
        """What this depot has stored there."""
        with self._lock:
            mine = sorted(each for each in self._touched if each[0] == bucket and each[1].startswith(prefix))
        for place in mine:
            if upload := self._known(*place):
                self.abort(*place, upload)
            self._session.call("DELETE", artifact_path(*place))

    def _touch(self, bucket: str, key: str) -> None:
        with self._lock:
            self._touched.add((bucket, key))

    def _file(self, bucket: str, key: str) -> Path:
        name = hashlib.sha256(json.dumps([self._session.url, bucket, key]).encode()).hexdigest()
        return self._state / f"{name}.json"


@contextmanager
def _missing() -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        if error.status == 404:
            raise MissingObjectError(error.brief, status=404) from error
        raise


@contextmanager
def _refused(bucket: str) -> Iterator[None]:
    """What a 404 means where something is to be stored."""
    try:
        yield
    except ServiceError as error:
        if error.status in (404, 405):
            raise FetchError(
                f"the service takes no artifacts for the bucket {bucket}",
                details=error.brief,
                hint="name the S3 server they go to: S3_ENDPOINT, S3_ACCESS_KEY and S3_SECRET_KEY",
                status=error.status,
            ) from error
        raise


def artifact_path(bucket: str, key: str) -> str:
    """Where the service has an artifact."""
    return f"/v4/artifacts/{quote(bucket, safe='')}/{quote(key, safe='/')}"


def _md5(content: bytes) -> str:
    return b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _digest(header: str) -> str:
    """The MD5 of a `Repr-Digest` (RFC 9530), in hexadecimal."""
    for each in header.split(","):
        name, _, coded = each.strip().partition("=:")
        if name == "md5":
            return b64decode(coded.rstrip(":")).hex()
    return ""


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _object(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise FetchError("the service answers without what was asked for")
    return found
