"""Submodules of a commit: where they go, where they come from, and at which commit (gitmodules(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import FetchError, SlipwayError
from slipway.inputs import gitaddress
from slipway.oci.entry import clean_path
from slipway.values import value

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.inputs.gitaddress import Address
    from slipway.inputs.gitrun import Git

_LINK = "160000"  # the mode of a link to a commit (git's technical documentation, index format)


@value
class Submodule:
    """`path` is relative to the tree that it is in; `commit` is a full id."""

    path: str
    address: Address
    commit: str


def submodules(git: Git, repository: Path, commit: str) -> list[Submodule]:
    """Those of a commit in `repository`, sorted by path; without those whose `update` is `none`.

    `FetchError` for one without an address, or one that is a path on this machine while its repository is not.
    """
    where = f"--git-dir={repository}"
    links = _links(git.run(where, "ls-tree", "-r", "-z", "--full-tree", commit))
    if not links:
        return []
    settings = _settings(git, where, commit)
    found = []
    for path, wanted in sorted(links.items()):
        known = next((s for s in settings.values() if s.get("path") == path), {})
        if known.get("update") == "none":
            continue
        if not (url := known.get("url", "")):
            raise FetchError(
                f"{git.address.public} has a submodule at {path}, and .gitmodules does not say where it is from"
            )
        address = gitaddress.parse(gitaddress.below(git.address.wire, url), repository)
        if address.is_local and not git.address.is_local:
            raise FetchError(
                f"the submodule {path} of {git.address.public} is a path on this machine: {address.public}",
                details="What others wrote may not choose files of this machine.",
            )
        found.append(Submodule(clean_path(path, what=git.address.public), address, wanted))
    return found


def _links(listed: bytes) -> dict[str, str]:
    """Commits by path, from `MODE SP TYPE SP ID TAB PATH NUL`."""
    found = {}
    for row in listed.split(b"\0"):
        head, _, path = row.partition(b"\t")
        if head.startswith(_LINK.encode()):
            found[path.decode(errors="surrogateescape")] = head.split()[2].decode()
    return found


def _settings(git: Git, where: str, commit: str) -> dict[str, dict[str, str]]:
    """What .gitmodules says, by the name of the submodule."""
    try:
        said = git.run(where, "config", "--null", f"--blob={commit}:.gitmodules", "--list")
    except SlipwayError:  # there is none, or it is no such file
        return {}
    found: dict[str, dict[str, str]] = {}
    for entry in said.decode(errors="surrogateescape").split("\0"):
        key, _, text = entry.partition("\n")
        section, _, rest = key.partition(".")
        name, _, field = rest.rpartition(".")
        if section == "submodule" and name:
            found.setdefault(name, {})[field] = text
    return found
