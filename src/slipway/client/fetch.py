"""Single artifacts, through the service: bring one here, or remove one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.client.servicedepot import artifact_path
from slipway.service.artifacts.model import split

if TYPE_CHECKING:
    from typing import IO

    from slipway.client.client import Client


def fetch(client: Client, path: str, target: IO[bytes]) -> int:
    """Write the artifact `s3://BUCKET/KEY` to `target`; its size in bytes."""
    bucket, key = split(path)
    size = 0
    for chunk in client.session.stream(artifact_path(bucket, key)):
        target.write(chunk)
        size += len(chunk)
    return size


def remove(client: Client, path: str) -> None:
    """Remove an artifact that no record leads to."""
    client.session.call("DELETE", artifact_path(*split(path)))
