"""A source tree from git as it goes into an image, and what the image says about where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.values import value

if TYPE_CHECKING:
    from slipway.inputs.pinned import PinnedFile


@value
class PinnedRepository:
    """One item of `repositories` now: `tree` is its content (kind `tree`) and where that goes.

    `url` has no secrets in it. `commit` is the full id; `heads` and `tags` are the names that the repository gives to
    just that commit, sorted. `remotes` are (name, address) pairs.
    """

    dest: str
    url: str
    commit: str
    tree: PinnedFile
    heads: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    remotes: tuple[tuple[str, str], ...] = ()
