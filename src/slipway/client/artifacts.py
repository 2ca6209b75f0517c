"""What is in the storage of a service, through its own API (`/v4`), which an IMS has not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from slipway.client.records import pages
from slipway.client.session import segment
from slipway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.client.model import Artifact, BegunUpload
    from slipway.client.session import Session


class Artifacts:
    """`bucket` empty: all of the service; `prefix` is what keys begin with. What the caller may not see is left out."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, bucket: str = "", prefix: str = "") -> Sequence[Artifact]:
        """By bucket and key."""
        return list(self.each(bucket, prefix))

    def each(self, bucket: str = "", prefix: str = "", limit: int = 1000) -> Iterator[Artifact]:
        """The same, asked for in pages of `limit`."""
        return cast("Iterator[Artifact]", self._each("/v4/artifacts", bucket, prefix, limit))

    def uploads(self, bucket: str = "", prefix: str = "") -> Sequence[BegunUpload]:
        """Those in parts that were begun and not ended, and that the caller may go on with."""
        return cast("Sequence[BegunUpload]", list(self._each("/v4/uploads", bucket, prefix, 100)))

    def abort(self, upload: str) -> None:
        """Give an upload up, by its id: its parts are removed."""
        self._session.call("DELETE", f"/v4/uploads/{segment(upload)}")

    def _each(self, path: str, bucket: str, prefix: str, limit: int) -> Iterator[object]:
        query = {"bucket": bucket, "prefix": prefix, "limit": str(limit)}
        return pages(self._session, path, {name: text for name, text in query.items() if text})


def beginning(path: str) -> tuple[str, str]:
    """Bucket and beginning of keys of `s3://BUCKET` or `s3://BUCKET/PREFIX`; `InputError` for anything else."""
    bucket, _, prefix = path.removeprefix("s3://").partition("/")
    if not path.startswith("s3://") or not bucket:
        raise InputError(f"{path[:100]!r} is not s3://BUCKET or s3://BUCKET/PREFIX")
    return bucket, prefix
