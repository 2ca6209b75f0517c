"""Where downloads are kept: `cache/downloads`, by the hash of their content."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from slipway.errors import InputError, StoreError
from slipway.patterns import pattern

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.settings import Settings

_SHA256 = pattern(r"[0-9a-f]{64}\Z")


def path_of(sha256: str, settings: Settings) -> Path:
    """Where the file of this hash is kept, or would be."""
    if not _SHA256.match(sha256):
        raise InputError(f"not a sha256 hash: {sha256[:80]!r}")
    return settings.cache / "downloads" / sha256[:2] / sha256


def part_of(key: str, settings: Settings) -> Path:
    return settings.cache / "downloads" / "parts" / f"{key}.part"


def is_present(path: Path, size: int = 0) -> bool:
    """Whether a cached file is there, with its size where that is known; notes the time of use for `store gc`."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the fast path of every build
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise StoreError(f"cannot look at {path}: {error.strerror}") from error
    if size and found.st_size != size:
        return False
    with contextlib.suppress(
        OSError
    ):  # a cache of somebody else, or one that goes away: to read from is enough
        os.utime(path)
    return True
