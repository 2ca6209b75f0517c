"""Build an image again from the lock that it carries, trusting nothing that was made before.

Fragments, layers and records are made anew in a place of their own. What is shared are downloads, whose hashes are
checked first, and uv's cache, which only helps to build source distributions.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.files import disk
from slipway.oci import digest as dg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.events import Reporter
    from slipway.lock.model import Lock, LockedPlatform
    from slipway.oci.store import Descriptor
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings

_SHARED = ("downloads", "uv")


@dataclass(frozen=True, slots=True)
class Scratch:
    """A directory, and settings whose store and cache are in it."""

    directory: Path
    settings: Settings


@contextmanager
def scratch(settings: Settings) -> Iterator[Scratch]:
    """A place that is gone when the block ends; on the disk of the cache, which has room for images."""
    with disk(settings.cache):
        settings.cache.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(dir=settings.cache, prefix=".tmp-verify-"))
    try:
        cache = directory / "cache"
        with disk(directory):
            cache.mkdir()
            for name in _SHARED:
                (settings.cache / name).mkdir(exist_ok=True)
                (cache / name).symlink_to(settings.cache / name)
        yield Scratch(directory, settings.with_(store=directory / "store", cache=cache))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if directory.exists():  # commands left files of users that are ours only in a namespace
            from slipway.sandbox.inside import remove
            from slipway.sandbox.users import find_users

            remove(directory, find_users().range)


def rebuild(
    recipe: Recipe, lock: Lock, places: Mapping[str, Path], settings: Settings, reporter: Reporter
) -> Descriptor:
    """The manifest of the image that `lock` makes of `recipe`, which names one platform, in the store of `settings`.

    `places` tells by destination where local files are, other than the recipe says.
    """
    from slipway.build.api import build
    from slipway.build.model import Options

    for locked in lock.platforms:
        _check_downloads(locked, settings, reporter)
    kind = "zstd" if lock.compression.startswith("zstd") else "gzip"
    options = Options(lock=lock, epoch=lock.epoch, places=places)
    return build(recipe, settings.with_(compression=kind), reporter, options).image


def _check_downloads(locked: LockedPlatform, settings: Settings, reporter: Reporter) -> None:
    """Remove downloads that are not what their names say: a build would take them for what was promised."""
    from slipway.inputs.kept import path_of

    debs = [d.sha256 for d in locked.debian.debs] if locked.debian else []
    if locked.init and locked.init.deb:
        debs.append(locked.init.deb.sha256)
    dists = [d.sha256 for d in locked.python.dists] if locked.python else []
    wanted = (path_of(sha256, settings) for sha256 in (*debs, *dists, *(f.sha256 for f in locked.files)))
    there = [path for path in wanted if path.is_file()]
    if not there:
        return
    total = sum(path.stat().st_size for path in there)
    with reporter.step("check", f"{len(there)} downloads", total=total, unit="bytes") as step:
        for path in there:
            if dg.hex_of(dg.of_file(path)) != path.name:
                reporter.log(f"the download {path.name} is damaged and will be fetched again")
                path.unlink()
            else:
                step.advance(path.stat().st_size)
