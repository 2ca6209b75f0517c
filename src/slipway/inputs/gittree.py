"""Trees of commits in the cache: `git/trees/COMMIT[-submodules][-lfs]/` has `tree/`, and its listing in `listing.json`.

A tree is what a clone would have without its `.git`: attributes that the tree itself brings count, settings of the
machine do not. It appears whole and is not changed any more, so that an unchanged build reads one file.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.files import disk, read_json, write_json
from slipway.inputs import tree
from slipway.inputs.statcache import hash_file
from slipway.oci.entry import Entry
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.inputs.gitrun import Git
    from slipway.settings import Settings

_LFS = {
    "filter.lfs.process": "git-lfs filter-process",
    "filter.lfs.smudge": "git-lfs smudge -- %f",
    "filter.lfs.required": "true",
}


@value
class Flags:
    """What is brought in besides the commit itself."""

    submodules: bool = False
    lfs: bool = False


@value
class Tree:
    """The files of a commit: where they are, their listing with its hash (`slipway.inputs.tree`), and the sum of their sizes."""

    path: Path
    sha256: str
    size: int
    entries: tuple[Entry, ...]


def tree_path(commit: str, flags: Flags, settings: Settings) -> Path:
    """Where the files of a commit are, or would be."""
    name = commit + "-submodules" * flags.submodules + "-lfs" * flags.lfs
    return settings.cache / "git" / "trees" / name / "tree"


def known_tree(commit: str, flags: Flags, settings: Settings, *, check: bool = False) -> Tree | None:
    """The tree if it is in the cache; with `check` its files are read, and one that was changed is removed."""
    path = tree_path(commit, flags, settings)
    data = read_json(path.parent / "listing.json")
    if not isinstance(data, dict):
        return None
    found = Tree(path, data["sha256"], data["size"], tuple(Entry.unpack(row) for row in data["entries"]))
    if check and _listed(path) != found.entries:
        _remove(path.parent)
        return None
    os.utime(path.parent / "listing.json")  # the time of last use is what `store gc` goes by
    return found


@contextmanager
def new_tree(commit: str, flags: Flags, settings: Settings) -> Iterator[Path]:
    """A directory to put the files into; at the end of the block it becomes the tree of the commit."""
    import shutil
    import tempfile

    path = tree_path(commit, flags, settings)
    with disk(path):
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=path.parent.parent, prefix=".tmp-"))
    try:
        (place / "tree").mkdir(0o755)
        yield place / "tree"
        entries = _listed(place / "tree")
        rows = [entry.pack() for entry in entries]
        size = sum(entry.size for entry in entries)
        write_json(place / "listing.json", {"sha256": tree.digest(entries), "size": size, "entries": rows})
        place.chmod(0o755)
        try:
            place.rename(path.parent)
        except OSError:
            if known_tree(commit, flags, settings) is None:  # what is there is no whole tree
                _remove(path.parent)
                place.rename(path.parent)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def write_files(git: Git, repository: Path, commit: str, target: Path, *, lfs: bool) -> None:
    """Put the files of a commit that is in `repository` into the empty directory `target`."""
    import tempfile

    env = {"GIT_DIR": str(repository), "GIT_WORK_TREE": str(target)}
    if lfs:
        from slipway.inputs.gitaccess import has_lfs

        has_lfs()
        env |= _with(git, {**_LFS, "remote.origin.url": git.address.wire, "lfs.concurrenttransfers": "4"})
        env["GIT_LFS_FORCE_PROGRESS"] = "1"  # silence means that the server does not answer
        git.ask("lfs", "fetch", "origin", commit, doing="fetch large files of", env=env)
    with tempfile.TemporaryDirectory(prefix="slipway-git-") as scratch:
        env["GIT_INDEX_FILE"] = f"{scratch}/index"
        git.run("read-tree", "--reset", "-u", commit, env=env, cwd=target)


def _with(git: Git, more: dict[str, str]) -> dict[str, str]:
    """The environment's configuration, and more."""
    count = int(git.env["GIT_CONFIG_COUNT"])
    env = {"GIT_CONFIG_COUNT": str(count + len(more))}
    for number, (key, text) in enumerate(more.items(), start=count):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": text}
    return env


def _listed(path: Path) -> tuple[Entry, ...]:
    return tree.listing(tree.walk(path), lambda found: hash_file(path / found.path, found.status))


def _remove(directory: Path) -> None:
    """The listing first: without it the tree counts as not there."""
    import shutil

    (directory / "listing.json").unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)
