"""Uploads in parts that nobody goes on with: an S3 server keeps their parts until somebody gives them up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from slipway.service.artifacts.model import ArtifactError, MissingError, Upload
from slipway.service.artifacts.s3errors import translated
from slipway.service.artifacts.s3objects import micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LOG: Final = logging.getLogger(__name__)
_PAGE: Final = 1000  # the most that servers list at once


class Uploads:
    """Those in `buckets`, whoever began them: the service, its clients, or a killed copy in parts."""

    def __init__(self, client: Any, buckets: Sequence[str]) -> None:
        self._client = client
        self._buckets = tuple(dict.fromkeys(buckets))
        self._told: dict[str, str] = {}  # by bucket, so that the same is not said again at each look

    def give_up(self, before: float) -> int:
        """Abort those that were begun before that time (seconds since 1970) and had no part since; their number.

        What the server refuses, or cannot list, is a warning in the log.
        """
        return sum(self._give_up(bucket, int(before * 1_000_000)) for bucket in self._buckets)

    def _give_up(self, bucket: str, before: int) -> int:
        count = 0
        try:
            for upload in self.every(bucket):
                count += _older(upload.begun, before) and self._abort(upload, before)
        except MissingError:
            pass  # a bucket that is not there is told elsewhere; some servers say this of one without uploads
        except ArtifactError as error:
            if self._told.get(bucket) != error.brief:
                self._told[bucket] = error.brief
                _LOG.warning("old uploads in the bucket %s cannot be given up: %s", bucket, error.brief)
            return count
        self._told.pop(bucket, None)
        return count

    def every(self, bucket: str, prefix: str = "") -> Iterator[Upload]:
        """Those that are not ended, of one bucket."""
        with translated(bucket):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": _PAGE}
            )
            for page in pages:
                for found in page.get("Uploads", ()):
                    begun = micros(found.get("Initiated"))
                    yield Upload(bucket, str(found["Key"]), str(found["UploadId"]), begun)

    def _abort(self, upload: Upload, before: int) -> bool:
        """Whether it was given up; not if it goes on, or is over meanwhile."""
        of = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.id}
        try:
            with translated(upload.bucket, upload.key):
                for page in self._client.get_paginator("list_parts").paginate(**of):
                    times = [micros(part.get("LastModified")) for part in page.get("Parts", ())]
                    if not all(_older(time, before) for time in times):
                        return False
                self._client.abort_multipart_upload(**of)
        except MissingError:
            return False
        return True


def _older(time: int, before: int) -> bool:
    """In microseconds since 1970. Not what the server tells no time for."""
    return 0 < time < before
