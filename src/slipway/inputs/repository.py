"""A source tree from git as it goes into an image, and what the image says about where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.inputs.pinned import file_key, filler
from slipway.oci.fragment import Component
from slipway.values import value

if TYPE_CHECKING:
    from slipway.inputs.pinned import PinnedFile
    from slipway.oci.fragment import Fragment, FragmentCache

SHORT = 12  # digits of a commit id for people


@value
class PinnedRepository:
    """One item of `repositories` now: `tree` is its content (kind `tree`) and where that goes.

    `url` has no secrets in it. `commit` is the full id; `heads` and `tags` are the names that the repository gives to
    just that commit, sorted. `remotes` are (name, address) pairs. A tree that a lock promises has no `listing` before it is here.
    """

    dest: str
    url: str
    commit: str
    tree: PinnedFile
    heads: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    remotes: tuple[tuple[str, str], ...] = ()


def repository_key(cache: FragmentCache, repository: PinnedRepository, prefix: str) -> str:
    """The key of `repository_fragment`'s answer."""
    return cache.key("git", repository.commit, file_key(cache, repository.tree, prefix))


def repository_fragment(cache: FragmentCache, repository: PinnedRepository, prefix: str) -> Fragment:
    """The fragment that puts the tree below `prefix`; errors as of `slipway.inputs.pinned.file_fragment`."""
    component = Component("git", repository.dest, repository.commit[:SHORT], source=repository.url)
    key = repository_key(cache, repository, prefix)
    return cache.make(key, component, filler(repository.tree, prefix))
