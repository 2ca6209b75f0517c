"""Local directories that are git repositories: what their `.git` says, read and never run.

git itself would do what the configuration of a repository tells it. Formats: gitrepository-layout(5), git-pack-refs(1) for
`packed-refs`, git-config(1); the objects of annotated tags are read where they are loose (gitformat-loose(5)).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    from slipway.build.installation.views import View

_HEAD = "/.git/HEAD"
_ID = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_PACKED = pattern(r"(?m)^([0-9a-f]{40,64}) (refs/\S+)\n(?:\^([0-9a-f]{40,64})$)?")
_SECTION = pattern(r"(?m)^\s*\[remote \"([^\"\n]+)\"\]([^\[]*)")
_URL = pattern(r"(?m)^\s*url\s*=\s*(\S+)\s*$")
_TAGGED = pattern(r"tag \d+\0object ([0-9a-f]{40,64})\n")
_LARGEST = 1 << 20  # bytes of the object of a tag


@value
class LocalRepository:
    """The directory `dest` of the workspace; the rest as of `slipway.inputs.repository.PinnedRepository`."""

    dest: str
    commit: str
    heads: tuple[str, ...]
    tags: tuple[str, ...]
    remotes: tuple[tuple[str, str], ...]


def local_repositories(view: View) -> list[LocalRepository]:
    """The repositories among the files, by path; what has no commit yet, or keeps it elsewhere, is none."""
    places = [path.removesuffix(_HEAD) for path in view.files if path.endswith(_HEAD)]
    return [found for place in places if (found := _read(view, place)) is not None]


def _read(view: View, place: str) -> LocalRepository | None:
    git = f"{place}/.git/"
    refs = f"{git}refs/"
    wanted = [path for path in view.files if path.startswith(refs)]
    wanted += [path for name in ("HEAD", "packed-refs", "config") if (path := git + name) in view.files]
    texts = {
        path.removeprefix(git): content.decode(errors="replace").strip()
        for path, content in view.read(wanted).items()
    }
    packed = _PACKED.findall(texts.get("packed-refs", "") + "\n")
    commits = {name: peeled or commit for commit, name, peeled in packed}
    commits |= {name: text for name, text in texts.items() if _ID.match(text) and name != "HEAD"}
    head = texts.get("HEAD", "")
    commit = commits.get(head.removeprefix("ref:").strip(), "") if head.startswith("ref:") else head
    if not _ID.match(commit):
        return None
    remotes = {
        name: url[1] for name, body in _SECTION.findall(texts.get("config", "")) if (url := _URL.search(body))
    }
    tags = {
        name: _peeled(view, git, found) for name, found in commits.items() if name.startswith("refs/tags/")
    }
    return LocalRepository(
        place,
        commit,
        _names(commits, "refs/heads/", commit),
        _names(tags, "refs/tags/", commit),
        tuple(sorted(remotes.items())),
    )


def _names(commits: dict[str, str], prefix: str, commit: str) -> tuple[str, ...]:
    return tuple(
        sorted(n.removeprefix(prefix) for n, c in commits.items() if n.startswith(prefix) and c == commit)
    )


def _peeled(view: View, git: str, name: str) -> str:
    """The commit that a tag is of: `name` may be that of the tag's own object."""
    path = f"{git}objects/{name[:2]}/{name[2:]}"
    if path not in view.files:
        return name
    try:
        plain = zlib.decompressobj().decompress(view.read([path]).get(path, b""), _LARGEST)
    except zlib.error:
        return name
    match = _TAGGED.match(plain.decode(errors="replace"))
    return match[1] if match else name
