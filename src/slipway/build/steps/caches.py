"""Directories that survive between builds, for steps that ask for them.

    {cache}/steps-cache/WHO/<key>/content/     what a step has at a path, for the platform and base that it runs on

WHO is `root` or a user's number; the content belongs to the users of the steps. One step at a time has a cache: the others wait (Docker calls this `sharing=locked`).
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from slipway.files import disk
from slipway.oci.digest import key_of
from slipway.oci.unpack import is_root
from slipway.sandbox.model import Mount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from slipway.events import Reporter

PLACE: Final = "steps-cache"
_CONTENT: Final = "content"


@contextmanager
def cache_mounts(
    targets: Sequence[str], base: str, platform: str, cache: Path, reporter: Reporter
) -> Iterator[tuple[Mount, ...]]:
    """The mounts for caches at `targets`, which nobody else has meanwhile; `base` and `platform` say whose they are."""
    root = cache / PLACE / ("root" if is_root() else str(os.geteuid()))
    with disk(root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        places = {target: root / key_of(target, base, platform)[:32] for target in targets}
        for place in places.values():
            (place / _CONTENT).mkdir(parents=True, exist_ok=True)
    handles: list[int] = []
    try:
        for target in sorted(
            places, key=lambda t: places[t]
        ):  # all in one order, so that none waits in a circle
            handles.append(os.open(places[target], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            _lock(handles[-1], target, reporter)
            os.utime(places[target])
        yield tuple(Mount(str(places[target] / _CONTENT), target, own=True) for target in targets)
    finally:
        for handle in handles:
            os.close(handle)


def _lock(handle: int, target: str, reporter: Reporter) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        reporter.log(f"waiting for the cache {target}, which another build uses")
        fcntl.flock(handle, fcntl.LOCK_EX)
