"""Trees without directories: a listing, and files by their hashes, all of them among the downloads.

A tree's listing is stored as the very bytes that its hash is of (`slipway.inputs.tree.digest`), so that it is a file
like any other there. No name out of a foreign tree ever becomes a path on this machine.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from slipway.files import atomic
from slipway.inputs import tree
from slipway.oci.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slipway.settings import Settings


EMPTY = tree.digest(())


def keep(entries: Iterable[Entry], settings: Settings) -> str:
    """Store a listing, whose files are here already; its hash."""
    from slipway.inputs.kept import is_present, path_of

    content = tree.canonical_listing(entries)
    sha256 = hashlib.sha256(content).hexdigest()
    path = path_of(sha256, settings)
    if not is_present(path, len(content)):
        with atomic(path) as file:
            file.write(content)
    return sha256


def known(sha256: str, settings: Settings) -> tuple[Entry, ...] | None:
    """The listing with this hash, when it is here with all its files."""
    from slipway.inputs.kept import is_present, path_of

    path = path_of(sha256, settings)
    if not is_present(path):
        return None
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        return None
    entries = []
    for name, kind, mode, content_sha256, target in json.loads(content)[0]:
        size = 0
        if kind == "file":
            place = path_of(content_sha256, settings)
            if not is_present(place):
                return None
            size = os.stat(place).st_size  # noqa: PTH116 - many of them
        entries.append(Entry(name, kind, mode, size=size, target=target, sha256=content_sha256))
    return tuple(entries)


def place(listing: Path, entry: Entry) -> Path:
    """Where the content of a file is, beside the listing at `listing`."""
    return listing.parent.parent / entry.sha256[:2] / entry.sha256
