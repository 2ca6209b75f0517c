"""Objects of an S3 server as this service speaks of them: what is told of one, its bytes, and bytes on their way to one."""

from __future__ import annotations

import hashlib
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from slipway.service.artifacts.model import ArtifactError, Stat
from slipway.service.artifacts.s3clients import TRIES
from slipway.service.artifacts.s3errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_PIECE: Final = 1 << 20


def get(
    client: Any, bucket: str, key: str, start: int, stop: int | None, **conditions: str
) -> Mapping[str, Any] | None:
    """The answer of the server, or None when there is nothing in that range."""
    from botocore.exceptions import ClientError

    if stop is not None and stop <= start:
        return None
    if start or stop is not None:
        conditions["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
    with translated(bucket, key):
        try:
            found: Mapping[str, Any] = client.get_object(Bucket=bucket, Key=key, **conditions)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("416", "InvalidRange"):
                return None
            raise
    return found


def pieces(
    client: Any, bucket: str, key: str, start: int, stop: int | None, found: Mapping[str, Any]
) -> Iterator[bytes]:
    """What `get` found. Where it breaks off it is read on, if it is the same object still."""
    etag = str(found["ETag"])
    answer: Mapping[str, Any] | None = found
    tries = 1
    while answer:
        try:
            with closing(answer["Body"]) as body, translated(bucket, key):
                for piece in body.iter_chunks(_PIECE):
                    start, tries = start + len(piece), 1
                    yield piece
        except ArtifactError as error:
            if not error.again or tries == TRIES:
                raise
            tries += 1
        else:
            return
        answer = get(client, bucket, key, start, stop, IfMatch=etag)
        if answer and str(answer["ETag"]) != etag:  # from a server that does not know the condition
            answer["Body"].close()
            raise ArtifactError(f"s3://{bucket}/{key} was changed while it was read")


class Reader:
    """Pieces as the file that the transfer manager wants to read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def read(self, size: int = sys.maxsize) -> bytes:
        found = [self._rest]
        length = len(self._rest)
        while length < size and (piece := next(self._chunks, None)) is not None:
            found.append(piece)
            length += len(piece)
        last = found.pop()
        cut = len(last) - max(0, length - size)
        found.append(last[:cut])
        self._rest = last[cut:]
        return b"".join(found)


def joined(parts: Sequence[tuple[int, str]]) -> str:
    """The ETag that servers give to objects of these parts; nothing of a server that makes them otherwise."""
    try:
        whole = b"".join(bytes.fromhex(etag) for _, etag in parts)
    except ValueError:
        return ""
    return f"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}-{len(parts)}"


def stat(bucket: str, key: str, found: Mapping[str, Any]) -> Stat:
    metadata = {str(name).lower(): str(value) for name, value in found.get("Metadata", {}).items()}
    return Stat(
        bucket,
        key,
        int(found["ContentLength"]),
        str(found.get("ETag", "")).strip('"'),
        micros(found.get("LastModified")),
        str(found.get("ContentType", "application/octet-stream")),
        metadata.get("md5sum", ""),
        "",
        metadata,
    )


def micros(time: Any) -> int:
    return int(time.timestamp() * 1_000_000) if time is not None else 0
