"""What a storage of artifacts can do, whatever is behind it.

All calls block; servers make them in threads. Keys are text as S3 has them (1 to 1024 bytes of UTF-8), and never become paths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from slipway.errors import InputError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class ArtifactError(StoreError):
    """The storage refused or failed. `again` tells whether it may work another time."""

    code = "artifact"

    def __init__(self, brief: str, *, hint: str = "", again: bool = False) -> None:
        super().__init__(brief, hint=hint)
        self.again = again


class MissingError(ArtifactError):
    """There is no such bucket, key or upload."""

    code = "missing-artifact"


class ChangedError(ArtifactError):
    """What should be in that place is not, or not any more."""

    code = "changed-artifact"


@dataclass(frozen=True, slots=True)
class Stat:
    """`size` in bytes, `modified` in microseconds since 1970. `etag` is without quotes, and opaque.

    `md5` and `sha256` are hexadecimal, empty where the storage does not know them. Names of `metadata` are in lower case.
    In a listing `content_type` may be empty: then the metadata are not known either.
    """

    bucket: str
    key: str
    size: int
    etag: str
    modified: int = 0
    content_type: str = "application/octet-stream"
    md5: str = ""
    sha256: str = ""
    metadata: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload in parts that was begun and not ended. `begun` in microseconds since 1970."""

    bucket: str
    key: str
    id: str
    begun: int = 0


class Artifacts(Protocol):
    """`ArtifactError` from all when the storage fails; `MissingError` where something has to be there and is not."""

    def head(self, bucket: str, key: str) -> Stat | None: ...

    def read(self, bucket: str, key: str, limit: int) -> bytes:
        """All of a small object; `InputError` when it has more than `limit` bytes."""
        ...

    def chunks(self, bucket: str, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Its bytes from `start` up to but without `stop`, in pieces."""
        ...

    def put(
        self,
        bucket: str,
        key: str,
        chunks: Iterable[bytes],
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        expected: str | None = None,
    ) -> Stat:
        """Store what comes in one pass; the answer has both hashes. Nothing is there before all is.

        `expected` is the ETag of what has to be there until then, empty for nothing: else `ChangedError`. Of several that expect
        the same, one succeeds; of those in other processes, where the storage sees to it: each but an S3 server that does not know
        such conditions.
        """
        ...

    def begin(
        self, bucket: str, key: str, *, content_type: str = ..., metadata: Mapping[str, str] | None = None
    ) -> str:
        """Begin an upload in parts and return its id."""
        ...

    def part(self, bucket: str, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> str:
        """Store part `number` (1 to 10,000), again if it is there, and return its ETag."""
        ...

    def parts(self, bucket: str, key: str, upload: str) -> dict[int, tuple[int, str]]:
        """Size and ETag of the parts that are there."""
        ...

    def complete(self, bucket: str, key: str, upload: str, parts: Sequence[tuple[int, str]]) -> Stat: ...

    def abort(self, bucket: str, key: str, upload: str) -> None:
        """Forget an upload, also one that is not there."""
        ...

    def uploads(self, bucket: str, prefix: str = "") -> Iterator[Upload]:
        """Those that are not ended, in no order."""
        ...

    def give_up(self, before: float) -> int:
        """Forget the uploads that were begun before that time (seconds since 1970) and had no part since; their number."""
        ...

    def copy(self, source: tuple[str, str], target: tuple[str, str]) -> Stat:
        """Within the storage, of any size, with metadata and content type."""
        ...

    def delete(self, bucket: str, key: str) -> None:
        """Also one that is not there."""
        ...

    def walk(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stat]:
        """By key, from the first one behind `after`; without metadata and content type where the storage does not list them."""
        ...

    def url(self, bucket: str, key: str, seconds: int, method: Literal["GET", "PUT"] = "GET") -> str:
        """An address that needs no login until it expires. It is a secret: it goes into no log."""
        ...

    def check(self) -> None:
        """`ArtifactError` when objects cannot be stored and read."""
        ...

    def close(self) -> None: ...


def split(path: str) -> tuple[str, str]:
    """Bucket and key of `s3://BUCKET/KEY`; `InputError` for anything else."""
    head, _, key = path.removeprefix("s3://").partition("/")
    if not path.startswith("s3://") or not head or not key:
        raise InputError(f"{path[:100]!r} is not s3://BUCKET/KEY")
    check_names(head, key)
    return head, key


def check_names(bucket: str, key: str) -> None:
    """`InputError` for names that S3 would not take."""
    ends = bucket[:1] + bucket[-1:]
    allowed = bucket.isascii() and all(c.islower() or c.isdigit() or c in ".-_" for c in bucket)
    if not (3 <= len(bucket) <= 63 and allowed and ends.isalnum()):
        raise InputError(f"{bucket[:70]!r} is not the name of a bucket")
    # U+FFFD is what servers make of bytes that are not UTF-8: several names would become one key
    odd = not key.isprintable() or "\ufffd" in key
    if not key or len(key.encode("utf-8", "replace")) > 1024 or odd:
        raise InputError(f"{key[:70]!r} cannot be a key")
