"""The branches and tags that a repository shows, and what a recipe's `commit_id` means among them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import FetchError
from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = pattern(r"([0-9a-f]{40}|[0-9a-f]{64})\t(\S+)\Z")
_FULL = pattern(r"([0-9a-f]{40}|[0-9a-f]{64})\Z")
_SHORT = pattern(r"[0-9a-f]{4,63}\Z")
_NEAR = 5


@value
class Refs:
    """Commits by the full names of references (`refs/heads/main`, `HEAD`); a tag counts as the commit that it is of.

    `annotated` are the ids of the tags that are things of their own, by the commit that they are of.
    """

    commits: Mapping[str, str]
    annotated: Mapping[str, str]

    def names(self, prefix: str) -> dict[str, str]:
        return {n.removeprefix(prefix): c for n, c in self.commits.items() if n.startswith(prefix)}

    @property
    def heads(self) -> dict[str, str]:
        return self.names("refs/heads/")

    @property
    def tags(self) -> dict[str, str]:
        return self.names("refs/tags/")


def read_refs(listing: bytes) -> Refs:
    """What `git ls-remote` prints: id, tab, name; a line `NAME^{}` gives the commit of the annotated tag before it."""
    found: dict[str, str] = {}
    annotated: dict[str, str] = {}
    for line in listing.decode(errors="surrogateescape").splitlines():
        if match := _LINE.match(line):
            name = match[2].removesuffix("^{}")
            if name != match[2] and name in found:
                annotated[match[1]] = found[name]
            found[name] = match[1]
    return Refs(found, annotated)


def is_full(commit: str) -> bool:
    return bool(_FULL.match(commit.lower()))


def may_be_short(commit: str) -> bool:
    return bool(_SHORT.match(commit.lower()))


def commit_of(refs: Refs, name: str, shown: str) -> str:
    """The commit that a branch or tag means, or empty; with an empty name, the branch that the repository calls its own.

    `FetchError` where that cannot be told, `shown` being the repository's address.
    """
    if name in ("", "HEAD"):
        if head := refs.commits.get("HEAD"):
            return head
        raise FetchError(
            f"the repository {shown} has no branch of its own",
            hint="name one in `commit_id`: " + ", ".join(sorted(refs.heads)[:_NEAR]),
        )
    for form in (name, f"refs/{name}"):
        if "/" in name and form.startswith("refs/") and form in refs.commits:
            return refs.commits[form]
    branch, tag = refs.heads.get(name), refs.tags.get(name)
    if branch and tag and branch != tag:
        raise FetchError(
            f"{name} is both a branch and a tag of {shown}",
            hint=f"write refs/heads/{name} or refs/tags/{name}",
        )
    of_clone = name.removeprefix("remotes/").removeprefix("origin/")
    return branch or tag or refs.heads.get(of_clone, "")


def empty(shown: str) -> FetchError:
    return FetchError(f"the repository {shown} is empty", hint="push a commit to it first")


def naming(refs: Refs, commit: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The branches, and the tags, that are of just this commit; sorted."""
    heads, tags = (
        tuple(sorted(name for name, of in names.items() if of == commit)) for names in (refs.heads, refs.tags)
    )
    return heads, tags


def missing(refs: Refs, name: str, shown: str) -> FetchError:
    """The error for a name that the repository does not have, with those that look like it."""
    from difflib import get_close_matches

    known = [*refs.heads, *refs.tags]
    near = get_close_matches(name, known, n=_NEAR)
    hint = "did you mean " + " or ".join(near) + "?" if near else ""
    if not near and refs.heads:
        hint = "branches: " + ", ".join(sorted(refs.heads)[:_NEAR])
    return FetchError(f"there is no branch, tag or commit {name[:80]} in {shown}", hint=hint)
