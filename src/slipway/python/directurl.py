"""`direct_url.json`: where a distribution is from (PyPA specifications: direct URL data structure; recording its origin)."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.python.model import Dist, Origin


def render(dist: Dist, prefix: str) -> bytes | None:
    """The file's text as pip writes it, in an image whose workspace is `/prefix`; None for what is from an index."""
    origin = dist.origin
    if origin is None or not origin.url:
        return None
    data = _editable(dist, prefix) if origin.editable else _plain(origin)
    if origin.subdirectory and not origin.editable:
        data["subdirectory"] = origin.subdirectory
    return json.dumps(data, sort_keys=True).encode()


def tree_of(dist: Dist, prefix: str) -> str:
    """The absolute path in the image that an editable distribution is imported from."""
    if dist.origin and dist.origin.kind == "vcs":
        inner = source_place(dist)
        if dist.origin.subdirectory:
            inner = f"{inner}/{dist.origin.subdirectory}"
    else:
        inner = dist.path
    return str(PurePosixPath("/", prefix, inner))


def source_place(dist: Dist) -> str:
    """Where in the workspace pip puts the tree of an editable distribution from version control."""
    return f"src/{dist.name}"


def _editable(dist: Dist, prefix: str) -> dict[str, Any]:
    return {"url": PurePosixPath(tree_of(dist, prefix)).as_uri(), "dir_info": {"editable": True}}


def _plain(origin: Origin) -> dict[str, Any]:
    if origin.kind == "directory":
        return {"url": origin.url, "dir_info": {}}
    if origin.kind == "archive":
        hashes = {"hash": f"sha256={origin.sha256}", "hashes": {"sha256": origin.sha256}}
        return {"url": origin.url, "archive_info": hashes}
    asked = {"requested_revision": origin.revision} if origin.revision else {}
    return {"url": origin.url, "vcs_info": {"vcs": "git", "commit_id": origin.commit, **asked}}
