"""How much space the store and the caches take, and whether everything in the store is sound."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import StoreError
from slipway.oci import digest as dg
from slipway.oci.origins import origins
from slipway.oci.reader import manifests, read_image
from slipway.oci.referrer import family

if TYPE_CHECKING:
    from slipway.oci.store import Store
    from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class ImageUsage:
    """One image; `size` is the sum of what it shares with others and what is its own (bytes)."""

    names: tuple[str, ...]
    digest: str
    size: int
    shared: int
    unique: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes. `reclaimable` is of blobs that no image refers to; `cache` is by directory of the cache."""

    images: tuple[ImageUsage, ...]
    blobs: int
    reclaimable: int
    indexes: int
    records: int
    cache: dict[str, int]

    @property
    def total(self) -> int:
        return self.blobs + self.indexes + self.records + sum(self.cache.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "images": [{**asdict(i), "names": list(i.names)} for i in self.images],
            "blobs": self.blobs,
            "reclaimable": self.reclaimable,
            "indexes": self.indexes,
            "records": self.records,
            "cache": self.cache,
            "total": self.total,
        }


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at (`size` in bytes), and every problem as a line of text.

    `remote` counts the blobs that are not here, by the repository (`registry/repository`) that is known to have them.
    """

    images: int
    blobs: int
    size: int
    problems: tuple[str, ...]
    remote: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "problems": list(self.problems)}


def usage(store: Store, settings: Settings) -> Usage:
    """Measure. What several images refer to counts as shared in each; a blob counts once in `blobs`."""
    images = {image.digest: image for image in store.images()}
    parts = {digest: family(store, image) for digest, image in images.items()}
    users = Counter(blob for blobs in parts.values() for blob in blobs)
    rows = []
    for digest, blobs in parts.items():
        names = tuple(sorted(i.name for i in store.images() if i.digest == digest and i.name))
        shared = sum(b.size for b in blobs.values() if users[b.digest] > 1)
        size = sum(b.size for b in blobs.values())
        rows.append(ImageUsage(names, digest, size, shared, size - shared))
    there = {f"sha256:{name}": size for name, size in _files(store.root / "blobs" / "sha256")}
    return Usage(
        tuple(sorted(rows, key=lambda row: (not row.names, row.names, row.digest))),
        sum(there.values()),
        sum(size for digest, size in there.items() if digest not in users),
        tree_size(store.root / "indexes"),
        sum(tree_size(store.root / name) for name in ("layers", "builds", "origins", "referrers", "scans")),
        {
            entry.name: tree_size(Path(entry))
            for entry in sorted(_scan(settings.cache), key=lambda e: e.name)
            if entry.is_dir(follow_symlinks=False)
        },
    )


def check(store: Store) -> Check:
    """Read every blob that an image refers to. Hold `store.shared()` meanwhile."""
    problems: list[str] = []
    seen: dict[str, int] = {}
    remote: Counter[str] = Counter()
    images = store.images()
    for image in images:
        what = image.name or image.digest
        try:
            blobs = family(store, image)
            for manifest in manifests(store, image):
                read_image(store, manifest)
        except StoreError as error:
            problems.append(f"{what}: {error.brief}")
            continue
        for blob in blobs.values():
            if blob.digest in seen:
                continue
            path = store.path(blob.digest)
            here = path.is_file()
            seen[blob.digest] = blob.size if here else 0
            if not here and (places := origins(store, blob.digest)):
                remote[places[0]] += 1
            elif not here:
                problems.append(f"{what}: the blob {blob.digest} is missing")
            elif path.stat().st_size != blob.size or dg.of_file(path) != blob.digest:
                problems.append(f"{what}: the blob {blob.digest} is damaged")
    count = len(seen) - remote.total()
    return Check(len(images), count, sum(seen.values()), tuple(problems), dict(sorted(remote.items())))


def tree_size(path: Path) -> int:
    """Bytes on disk of a directory and all below (a file with several names once); what vanishes meanwhile counts nothing."""
    total = 0
    seen: set[tuple[int, int]] = set()
    todo: list[Path | str] = [path]
    while todo:
        for entry in _scan(todo.pop()):
            try:
                stat = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if entry.is_dir(follow_symlinks=False):
                todo.append(entry.path)
            elif stat.st_nlink == 1 or (stat.st_dev, stat.st_ino) not in seen:
                seen.add((stat.st_dev, stat.st_ino))
                total += stat.st_blocks * 512
    return total


def _files(path: Path) -> list[tuple[str, int]]:
    return [(e.name, e.stat().st_size) for e in _scan(path) if e.is_file(follow_symlinks=False)]


def _scan(path: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
