"""A Python distribution as plain data, and back: `{name, version, url, sha256, filename, size, sdist, path, origin}`.

The `filename` is left out where the `url` ends in it, and so is whatever is empty.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from slipway.lock.fields import ADDRESS, NAME, SHA256, VERSION
from slipway.python.model import Dist, Origin

if TYPE_CHECKING:
    from slipway.lock.fields import Fields

_INSIDE = r"(?!/)(?!(.*/)?\.\.(/|$))[^\x00-\x1f]*"  # a path below a directory
_PLACE = r"(?!-)[^\s\x00-\x1f]*"
_COMMIT = r"([0-9a-f]{40}|[0-9a-f]{64})?"


def dist_data(dist: Dist) -> dict[str, Any]:
    """Values of JSON; `dist` reads them back."""
    row: dict[str, Any] = {"name": dist.name, "version": dist.version, "url": dist.url, "sha256": dist.sha256}
    if _last(dist.url) != dist.filename:
        row["filename"] = dist.filename
    if dist.size:
        row["size"] = dist.size
    if dist.sdist:
        row["sdist"] = True
    if dist.path:
        row["path"] = dist.path
    if dist.origin:
        row["origin"] = {name: value for name, value in asdict(dist.origin).items() if value}
    return row


def dist(row: Fields) -> Dist:
    """`LockError` for what `dist_data` never gives."""
    url = row.text("url", ADDRESS)
    return Dist(
        name=row.text("name", NAME),
        version=row.text("version", VERSION),
        filename=row.text("filename", r"(?!\.)[^/\s]+", _last(url)),
        url=url,
        sha256=row.text("sha256", SHA256),
        size=row.number("size", 0),
        sdist=row.truth("sdist"),
        path=row.text("path", _INSIDE, ""),
        origin=_origin(row.row("origin")) if "origin" in row else None,
    )


def _origin(row: Fields) -> Origin:
    kinds: dict[str, Literal["archive", "directory", "vcs"]] = {
        "archive": "archive",
        "directory": "directory",
        "vcs": "vcs",
    }
    return Origin(
        kind=kinds[row.text("kind", "|".join(kinds))],
        url=row.text("url", _PLACE, ""),
        sha256=row.text("sha256", f"({SHA256})?", ""),
        commit=row.text("commit", _COMMIT, ""),
        revision=row.text("revision", _PLACE, ""),
        subdirectory=row.text("subdirectory", _INSIDE, ""),
        editable=row.truth("editable"),
        described=row.text("described", _PLACE, ""),
    )


def _last(url: str) -> str:
    return unquote(urlsplit(url).path).rpartition("/")[2]
