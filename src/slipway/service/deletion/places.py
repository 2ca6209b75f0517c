"""Where objects are while their record is among the deleted: the layout of IMS, so that each finds what the other has deleted."""

from __future__ import annotations

from typing import Final

from slipway.errors import InputError
from slipway.service.artifacts.model import split

_PREFIX: Final = "deleted/"


def away(path: str) -> str:
    """`s3://BUCKET/deleted/KEY`; `InputError` for what is not an address, or too long with that."""
    bucket, key = split(path)
    found = f"s3://{bucket}/{_PREFIX}{key}"
    split(found)
    return found


def back(path: str) -> str:
    """Where that came from; the same place when it is not one of the deleted."""
    bucket, key = split(path)
    return f"s3://{bucket}/{key.removeprefix(_PREFIX)}" if key != _PREFIX else path


def deleted_manifest(bucket: str, image: str) -> str:
    """The manifest of a deleted image, which lists where its artifacts are now."""
    return f"s3://{bucket}/{_PREFIX}{image}/deleted_manifest.json"


def movable(path: str) -> bool:
    """Whether there is a place for it among the deleted."""
    try:
        away(path)
    except InputError:
        return False
    return True
