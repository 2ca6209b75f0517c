"""Where artifacts are brought: an S3 server directly, or the service, which passes them on.

What both can do; the sending itself, its parts, hashes and retries, is `transfer.py`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from slipway.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IMAGES: Final = "boot-images"
RECIPES: Final = "ims"
_OFF: Final = ("", "false", "off", "no", "f", "0")
_ON: Final = ("true", "on", "yes", "t", "1")


@dataclass(frozen=True, slots=True)
class S3Access:
    """How to reach an S3 server; without an endpoint, Amazon's. `verify` is True, False, or a file of authorities; `bucket` empty: IMS's own two."""

    endpoint: str
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    verify: bool | str = True
    bucket: str = ""
    region: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> S3Access | None:
        """By the names that IMS and its helper use; None where no server is named.

        S3_ENDPOINT or S3_HOST, S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKET, S3_SSL_VERIFY or S3_SSL_VALIDATE.
        """
        environ = os.environ if environ is None else environ
        endpoint = environ.get("S3_ENDPOINT") or environ.get("S3_HOST") or ""
        if not endpoint:
            return None
        asked = environ.get("S3_SSL_VERIFY", environ.get("S3_SSL_VALIDATE"))
        return cls(
            endpoint,
            environ.get("S3_ACCESS_KEY", ""),
            environ.get("S3_SECRET_KEY", ""),
            True if asked is None else verification(asked),
            environ.get("S3_BUCKET", ""),
        )


def verification(text: str) -> bool | str:
    """What S3_SSL_VERIFY says: off, on, or the name of a file of authorities."""
    word = text.strip().lower()
    return False if word in _OFF else True if word in _ON else text.strip()


@dataclass(frozen=True, slots=True)
class Placed:
    """What is there under a key. `md5` is the one in its metadata, or the storage's own; empty where nobody knows it."""

    size: int
    etag: str
    md5: str = ""


class MissingObjectError(FetchError):
    """There is no such bucket, object or upload."""


class Depot(Protocol):
    """`FetchError` from all when it refuses or fails; `TransientError` where another try may work."""

    def head(self, bucket: str, key: str) -> Placed | None: ...

    def read(self, bucket: str, key: str, limit: int) -> bytes: ...

    def put(self, bucket: str, key: str, content: bytes, kind: str, metadata: Mapping[str, str]) -> None:
        """Store something small at once."""
        ...

    def begun(self, bucket: str, key: str) -> str:
        """The id of an upload of this key that was begun and not ended, empty if there is none."""
        ...

    def begin(self, bucket: str, key: str, kind: str, metadata: Mapping[str, str]) -> str: ...

    def part(self, bucket: str, key: str, upload: str, number: int, content: bytes, md5: bytes) -> str:
        """Store part `number` (from 1) and return its ETag; `md5` is the part's, which the storage compares."""
        ...

    def parts(self, bucket: str, key: str, upload: str) -> dict[int, tuple[int, str]]:
        """Size and ETag of the parts that are there."""
        ...

    def complete(self, bucket: str, key: str, upload: str, parts: Sequence[tuple[int, str]]) -> None:
        """Make an object of parts: number and ETag of each, in order."""
        ...

    def abort(self, bucket: str, key: str, upload: str) -> None: ...

    def delete_below(self, bucket: str, prefix: str) -> None:
        """Remove all objects below a prefix, and the uploads that were begun there."""
        ...

    def close(self) -> None: ...
