"""Where scans are kept: beside the store, since they cannot be made again.

    store/scans/<hash of the image's name>/<hash of the platform>/
      lock                               held while a scan is added
      seen.json                          fingerprint -> when it was first seen, of all that was ever found
      20261121T080000Z-0000.json.gz      a scan: a line with its numbers, and a line with itself

The image's name is the shortest one without tag and digest, so that a history goes on when the tag moves, and however the
name is written. What was kept under another spelling is read as well. `seen.json` is made anew from the scans when it is lost.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway.errors import InputError
from slipway.files import disk
from slipway.patterns import pattern
from slipway.scan.history.packing import entry
from slipway.scan.imagename import ON_DISK, means, repository, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.history.model import Entry
    from slipway.settings import Settings

_NAME = pattern(r"[0-9]{8}T[0-9]{6}Z-[0-9]{4,}\.json\.gz")


def subject(image: str) -> str:
    """What has a history of its own: a repository, an image by its digest, or a place on this machine."""
    kind, colon, rest = image.partition(":")
    if colon and kind in ON_DISK:
        return f"{kind}:{os.path.abspath(rest)}"  # noqa: PTH100 - no symlink resolution
    if colon and kind == "docker":
        return f"{kind}:{repository(rest)}"
    return repository(image)


def directory(settings: Settings, image: str, platform: str) -> Path:
    """The place of the history of an image for one platform."""
    return _of_subject(settings, subject(image)) / _hash(platform)


def places(settings: Settings, image: str, platform: str) -> dict[str, Path]:
    """Where its scans may be besides: the names of repositories under which they were kept, with their places; that of now first."""
    found = {name: _of_subject(settings, name) / _hash(platform) for name in _subjects(image)}
    return {name: place for name, place in found.items() if name == subject(image) or place.is_dir()}


def entries(
    image: str, settings: Settings, reporter: Reporter, *, platform: str = "", since: str = ""
) -> tuple[Entry, ...]:
    """The scans of an image that are kept, oldest first; () when there are none.

    With a tag or digest in `image`, those of exactly that name. `platform` empty: of all. `since` is RFC 3339. What is
    damaged is told as a warning, and left out.
    """
    found: dict[tuple[str, ...], Entry] = {}
    for name in _subjects(image):
        whole = _of_subject(settings, name)
        for place in [whole / _hash(platform)] if platform else _listed(whole):
            for kept in read(files(place), reporter):
                if kept.time >= since and (image.partition(":")[0] in ON_DISK or _means(image, kept.image)):
                    found.setdefault((kept.file.name, kept.platform, kept.digest, kept.result), kept)
    return tuple(sorted(found.values(), key=lambda e: (e.time, e.file.name)))


def files(place: Path) -> list[Path]:
    """The scans of one history, oldest first."""
    return [file for file in _listed(place) if _NAME.fullmatch(file.name)]


def free_name(place: Path, time: str) -> str:
    """For a scan of that time: behind all that were made in the same second. Hold the lock."""
    compact = time.replace("-", "").replace(":", "")
    there = [file.name for file in files(place) if file.name.startswith(compact)]
    number = int(there[-1].partition("-")[2].partition(".")[0]) + 1 if there else 0
    return f"{compact}-{number:04}.json.gz"


def read(found: Iterable[Path], reporter: Reporter) -> Iterator[Entry]:
    """The numbers of each scan that can be read; what cannot is told as a warning."""
    for file in found:
        try:
            yield entry(file)
        except InputError as error:
            if file.exists():  # else another scan has just taken its place
                reporter.warn(f"{error.brief}: the history of this image has a gap")


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Alone with a history; makes its place. `StoreError` when that cannot be written."""
    with disk(place):
        place.mkdir(parents=True, exist_ok=True)
        handle = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _of_subject(settings: Settings, name: str) -> Path:
    return settings.store / "scans" / _hash(name)


def _subjects(image: str) -> tuple[str, ...]:
    """`subject` of all names that mean the same image; its own first."""
    return spellings(subject(image))


def _means(image: str, kept: str) -> bool:
    kind, colon, rest = image.partition(":")
    return means(rest, kept.removeprefix(f"{kind}:")) if colon and kind == "docker" else means(image, kept)


def _hash(text: str) -> str:
    """Names of platforms come out of images, and are no names for files."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _listed(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir(), key=lambda each: each.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
