"""Remove what nothing needs any more from the store and the caches.

The store is swept by reference: what index.json does not lead to goes. Layers may be elsewhere (`slipway.oci.origins`):
where they are is kept as long as an image needs them. Caches are swept by last use. A build holds
the store's lock shared, so nothing that one is about to refer to is ever swept.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.files import disk, read_json
from slipway.oci import digest as dg
from slipway.oci.reader import manifests, read_image
from slipway.oci.referrer import family
from slipway.oci.rootfs import chain_id
from slipway.oci.unpack import remove_tree
from slipway.oci.usage import check, tree_size, usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.oci.store import Store
    from slipway.settings import Settings

__all__ = ["GcReport", "Swept", "check", "collect", "usage"]

_HOUR = 3600
_MONTH = 30 * 24 * _HOUR
_WHOLE = ("uv",)  # caches that belong to another program: all of it goes or nothing
_NOT_SWEPT = (
    "trees",
    "advisories",
)  # swept with their locks held; a database in use, and not to be had again offline
_OF_STEPS = ("failed", "steps-cache")  # whose directories, below their owners', go as a whole


@dataclass(frozen=True, slots=True)
class Swept:
    """How many things of a kind were removed, and how many bytes that freed."""

    count: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class GcReport:
    """What was, or with `dry_run` would be, removed, by kind: `blobs`, `records`, `indexes`, `left-overs`, `trees`, and directories of the cache."""

    dry_run: bool
    swept: dict[str, Swept] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(s.size for s in self.swept.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "size": self.size,
            "swept": {kind: asdict(s) for kind, s in self.swept.items()},
        }


def collect(
    store: Store,
    settings: Settings,
    *,
    older_than: float = _MONTH,
    dry_run: bool = False,
    now: float | None = None,
) -> GcReport:
    """Sweep store and caches; `older_than` is in seconds since last use and concerns caches only.

    `StoreError` at once when a build is running, or when an image is damaged, so that one cannot know what it needs
    (remove it first).
    """
    sweep = _Sweep(dry_run=dry_run, now=time.time() if now is None else now)
    with disk(store.root), store.exclusive():
        live, trees = _mark(store)
        _sweep_store(store, live, sweep)
        _sweep_trees(settings.cache / "trees", trees, older_than, sweep)
        _sweep_cache(settings.cache, older_than, sweep)
    return GcReport(dry_run, {kind: sweep.swept[kind] for kind in sorted(sweep.swept)})


class _Sweep:
    def __init__(self, *, dry_run: bool, now: float) -> None:
        self.dry_run = dry_run
        self.now = now
        self.swept: dict[str, Swept] = {}

    def age(self, path: Path) -> float:
        """Seconds since last use, as far as the file system tells."""
        stat = path.lstat()
        return self.now - max(stat.st_mtime, stat.st_atime if path.is_file() else 0)

    def remove(self, kind: str, *paths: Path) -> None:
        """Remove files or directories that together are one thing."""
        size = 0
        for path in paths:
            with suppress(FileNotFoundError):
                size += tree_size(path) if path.is_dir() else path.lstat().st_blocks * 512
                if not self.dry_run and path.is_dir():
                    _remove(path)
                elif not self.dry_run:
                    path.unlink()
        before = self.swept.get(kind, Swept())
        self.swept[kind] = Swept(before.count + 1, before.size + size)


def _remove(directory: Path) -> None:
    try:
        remove_tree(directory)
    except PermissionError:
        # steps without root have users that are ours only in a namespace
        from slipway.sandbox.inside import remove
        from slipway.sandbox.users import find_users

        remove(directory, find_users().range)


def _mark(store: Store) -> tuple[set[str], set[str]]:
    """The hex digests of all blobs, and the names of all trees, that images need."""
    live: set[str] = set()
    trees: set[str] = set()
    for image in store.images():
        live.update(dg.hex_of(digest) for digest in family(store, image))
        for manifest in manifests(store, image):
            diff_ids = [layer.diff_id for layer in read_image(store, manifest).layers]
            trees.update(dg.hex_of(d) for d in diff_ids)
            trees.update(f"m{chain_id(diff_ids[:n])}" for n in range(1, len(diff_ids) + 1))
    return live, trees


def _sweep_store(store: Store, live: set[str], sweep: _Sweep) -> None:
    for path in _listed(store.root / "blobs" / "sha256"):
        if path.name.startswith(".tmp-"):
            _left_over(path, sweep)
        elif path.name not in live:
            sweep.remove("blobs", path)
    for kind, directory in (
        ("indexes", "indexes"),
        ("records", "builds"),
        ("records", "layers"),
        ("records", "origins"),
        ("records", "referrers"),
    ):
        for path in _listed(store.root / directory):
            if path.name.startswith(".tmp-"):
                _left_over(path, sweep)
            elif (_blob_of_layer(path) if directory == "layers" else path.stem) not in live:
                sweep.remove(kind, path)
    # scans are kept whatever becomes of their images: they cannot be made again
    for path in (*_listed(store.root), *_walk(store.root / "scans")):
        if path.name.startswith(".tmp-"):
            _left_over(path, sweep)


def _blob_of_layer(record: Path) -> str:
    value = read_json(record)
    return str(value.get("digest", "")).removeprefix("sha256:") if isinstance(value, dict) else ""


def _sweep_trees(root: Path, live: set[str], older_than: float, sweep: _Sweep) -> None:
    for owner in _listed(root):
        for tree in _listed(owner):
            if tree.name.startswith(".tmp-"):
                if sweep.age(tree) > _HOUR:
                    _sweep_tree(tree, "left-overs", sweep)
            elif tree.suffix == ".over":
                if tree.stem not in live:
                    sweep.remove("trees", tree)
            elif tree.name != "stage" and (tree.name not in live or sweep.age(tree) > older_than):
                _sweep_tree(tree, "trees", sweep)


def _sweep_tree(tree: Path, kind: str, sweep: _Sweep) -> None:
    """Not while a sandbox uses it."""
    handle = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        if sweep.dry_run:
            sweep.remove(kind, tree)
            return
        # a half removed tree must not look like a whole one
        doomed = tree.with_name(f".tmp-gone-{tree.name}")
        tree.rename(doomed)
        sweep.remove(kind, doomed)
    finally:
        os.close(handle)


def _sweep_cache(cache: Path, older_than: float, sweep: _Sweep) -> None:
    for directory in _listed(cache):
        if directory.name.startswith(".tmp-"):
            _left_over(directory, sweep)
            continue
        if directory.name in _NOT_SWEPT or not directory.is_dir():
            continue
        if directory.name in _OF_STEPS:
            for each in (each for owner in _listed(directory) for each in _listed(owner)):
                if sweep.age(each) > older_than:
                    _sweep_tree(each, directory.name, sweep)
            continue
        if directory.name in _WHOLE:
            if min(sweep.age(p) for p in (directory, *_listed(directory))) > older_than:
                sweep.remove(directory.name, directory)
            continue
        if directory.name == "git":
            _sweep_git(directory, older_than, sweep)
            continue
        for path in _walk(directory):
            if path.name.startswith(".tmp-") or path.suffix == ".part":
                _left_over(path, sweep)
            elif directory.name == "fragments":
                _sweep_fragment(path, older_than, sweep)
            elif sweep.age(path) > older_than:
                sweep.remove(directory.name, path)


def _sweep_git(directory: Path, older_than: float, sweep: _Sweep) -> None:
    """Repositories and trees go as a whole; a tree is there as long as its listing is, whose time is that of its last use."""
    for path in (*_listed(directory / "repositories"), *_listed(directory / "trees")):
        listing = path / "listing.json"
        if path.name.startswith(".tmp-"):
            _left_over(path, sweep)
        elif path.is_dir() and sweep.age(listing if listing.exists() else path) > older_than:
            sweep.remove("git", listing, path)
    for path in (*_listed(directory / "answers"), *_listed(directory / "described")):
        if sweep.age(path) > older_than:
            sweep.remove("git", path)


def _sweep_fragment(path: Path, older_than: float, sweep: _Sweep) -> None:
    """A fragment is an index, whose time is that of its last use, and a blob; the index goes first."""
    if path.suffix == ".json":
        if sweep.age(path) > older_than:
            blobs = path.parent.glob(f"{path.stem}.tar.*")
            sweep.remove("fragments", path, *blobs)
        return
    index = path.with_name(path.name.partition(".")[0] + ".json")
    if not index.exists():
        _left_over(path, sweep)


def _left_over(path: Path, sweep: _Sweep) -> None:
    """What an interrupted process left; recent ones may belong to a process that is at work without the lock."""
    with suppress(FileNotFoundError):
        if sweep.age(path) > _HOUR:
            sweep.remove("left-overs", path)


def _listed(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _walk(directory: Path) -> Iterator[Path]:
    for path in _listed(directory):
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path
