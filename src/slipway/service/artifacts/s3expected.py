"""Objects of an S3 server that are stored only while what is expected is in their place.

The server decides, with the conditions of RFC 9110 (section 13.1) on the request that makes the object. Servers that do not know
them there are asked right before, one request at a time for each key: so at least those of this process cannot both succeed.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from slipway.service.artifacts.model import ArtifactError, ChangedError, MissingError
from slipway.service.artifacts.s3errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.artifacts.s3objects import Reader

_LOCKS: Final = 64  # a key has one of them
_NOT_SO: Final = frozenset({"412", "PreconditionFailed", "NoSuchKey"})


class Expected:
    """What has less than `part` bytes is stored with one request, all else in parts of that size."""

    def __init__(self, client: Any, part: int) -> None:
        self._client = client
        self._part = part
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def put(self, bucket: str, key: str, reader: Reader, expected: str, extra: dict[str, Any]) -> None:
        """`expected` is the ETag of what has to be there, empty for nothing; `ChangedError` when something else is."""
        first = reader.read(self._part)
        if len(first) < self._part:
            with self._decided(bucket, key, expected) as condition:
                self._client.put_object(Bucket=bucket, Key=key, Body=first, **extra, **condition)
            return
        begun = self._client.create_multipart_upload(Bucket=bucket, Key=key, **extra)
        upload = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}
        try:
            parts = self._parts(upload, reader, first)
            with self._decided(bucket, key, expected) as condition:
                self._client.complete_multipart_upload(
                    **upload, MultipartUpload={"Parts": parts}, **condition
                )
        except BaseException:
            with suppress(ArtifactError), translated(bucket, key):
                self._client.abort_multipart_upload(**upload)
            raise

    def _parts(self, upload: dict[str, Any], reader: Reader, body: bytes) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        while body:
            number = len(parts) + 1
            made = self._client.upload_part(**upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": made["ETag"]})
            body = reader.read(self._part)
        return parts

    @contextmanager
    def _decided(self, bucket: str, key: str, expected: str) -> Iterator[dict[str, str]]:
        """The condition for the request that decides."""
        from botocore.exceptions import ClientError

        changed = ChangedError(f"s3://{bucket}/{key} was changed meanwhile")
        with self._locks[hash((bucket, key)) % _LOCKS]:
            if self._etag(bucket, key) != expected:
                raise changed
            try:
                # without quotes: Ceph compares the text as it comes, others take both
                yield {"IfMatch": expected} if expected else {"IfNoneMatch": "*"}
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _NOT_SO:
                    raise changed from None
                raise

    def _etag(self, bucket: str, key: str) -> str:
        try:
            with translated(bucket, key):
                return str(self._client.head_object(Bucket=bucket, Key=key)["ETag"]).strip('"')
        except MissingError:
            return ""
