"""`repos.json`: which commits the source trees of a workspace are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.build.installation.masks import masked_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.build.installation.localgit import LocalRepository
    from slipway.inputs.repository import PinnedRepository


def repositories(
    workspace: str, known: Iterable[PinnedRepository | LocalRepository]
) -> dict[str, dict[str, Any]]:
    """By path in the image: commit, the branches and tags that are just there, remotes, and the path again."""
    found = {f"{workspace}/{repository.dest}": repository for repository in known}
    return {
        path: {
            "commit": found[path].commit,
            "heads": list(found[path].heads),
            "tags": list(found[path].tags),
            "remotes": {name: masked_text(url) for name, url in found[path].remotes},
            "path": path,
        }
        for path in sorted(found)
    }


def repository_of(path: str, repositories: Iterable[str]) -> str:
    """The innermost of `repositories` (paths in the image) that holds the file at `path`; empty for none."""
    return max((r for r in repositories if path.startswith(f"{r}/")), key=len, default="")
