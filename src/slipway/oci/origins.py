"""Where else the blobs of a store are: the registry repositories that are known to hold them.

    store/origins/<hex>.json    {"repositories": ["registry.example.org/team/base", …]}

A blob that the store refers to but does not hold is fetched from there when its bytes are needed; a push to the same
registry mounts it from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.files import read_json, write_json
from slipway.oci import digest as dg

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.oci.digest import Digest
    from slipway.oci.store import Store

_MOST = 8  # the latest ones; more help nobody


def origins(store: Store, digest: Digest) -> tuple[str, ...]:
    """`registry/repository` names that have held the blob, the latest first."""
    data = read_json(_path(store, digest))
    return tuple(data.get("repositories", ())) if isinstance(data, dict) else ()


def note_origin(store: Store, digest: Digest, repository: str) -> None:
    """Remember that `repository` (`registry/repository`) holds the blob."""
    known = origins(store, digest)
    if known[:1] != (repository,):
        names = [repository, *(r for r in known if r != repository)][:_MOST]
        write_json(_path(store, digest), {"repositories": names})


def _path(store: Store, digest: Digest) -> Path:
    return store.root / "origins" / f"{dg.hex_of(digest)}.json"
