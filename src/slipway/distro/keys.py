"""The cache keys of Debian fragments: by themselves, so that a plan loads nothing of what makes fragments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from slipway.oci.fragment import FragmentCache

DEB_VERSION: Final = 1  # raise it when the same .deb gives another fragment or other notes in its index
SYSTEM_VERSION: Final = 1  # raise it when the same packages give another system fragment


def deb_key(cache: FragmentCache, sha256: str, *, clamp: int | None = None) -> str:
    """The key of the fragment that `deb_fragment` makes of the .deb with this hash."""
    return cache.key("deb", DEB_VERSION, sha256, clamp)
