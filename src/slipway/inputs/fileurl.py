"""URLs of files on this machine (RFC 8089)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from slipway.errors import FetchError
from slipway.net_errors import redact


def is_file(url: str) -> bool:
    return url[:5].lower() == "file:"


def file_path(url: str) -> Path:
    """The local path of a file: URL (RFC 8089)."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise FetchError(f"not a URL of a file on this machine: {redact(url)}")
    return Path(unquote(parts.path))
