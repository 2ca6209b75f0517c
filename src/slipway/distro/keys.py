"""The cache key of a .deb's fragment: by itself, so that a plan loads nothing of what makes fragments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from slipway.oci.fragment import FragmentCache

VERSION: Final = 1  # raise it when the same .deb gives another fragment or other notes in its index


def deb_key(cache: FragmentCache, sha256: str, *, clamp: int | None = None) -> str:
    """The key of the fragment that `deb_fragment` makes of the .deb with this hash."""
    return cache.key("deb", VERSION, sha256, clamp)
