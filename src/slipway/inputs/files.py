"""The recipe's `files`: every source brought in and pinned by the hash of its content."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.errors import InputError, UsageError, VerifyError
from slipway.inputs.address import REMOTE, is_remote, public, scheme_of
from slipway.inputs.bring import bring, placed
from slipway.inputs.kept import path_of
from slipway.inputs.local import pin_local
from slipway.inputs.memory import Memories, Wanted
from slipway.inputs.pinned import PinnedFile, file_fragment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.inputs.memory import Brought
    from slipway.inputs.network import Network
    from slipway.recipe.model import FileItem
    from slipway.settings import Settings

__all__ = ["PinnedFile", "file_fragment", "pin", "pin_here", "wanted"]


def pin(
    items: Sequence[FileItem],
    recipe_directory: Path,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
    clock: Callable[[], float] = time.time,
    network: Network | None = None,
) -> list[PinnedFile]:
    """The sources of `items` as they are now, in their order.

    `refresh` asks other machines and reads local files again, whatever is remembered. An error carries the
    place of its item in the recipe. `clock` gives seconds since 1970. Whoever gives a `network` can end the work by it.
    """
    pinned: dict[int, PinnedFile] = {}
    remote: list[int] = []
    for number, item in enumerate(items):
        with placed(item.where):
            if is_remote(item.source):
                remote.append(number)
            else:
                pinned[number] = pin_here(
                    item, recipe_directory, settings, reporter, refresh=refresh, clock=clock
                )
    if remote:
        asked = [wanted(items[n]) for n in remote]
        found = bring(asked, settings, reporter, refresh=refresh, now=clock(), network=network)
        for number, brought in zip(remote, found, strict=True):
            with placed(items[number].where):
                pinned[number] = _finished(items[number], brought, settings, reporter)
    return [pinned[number] for number in range(len(items))]


def pin_here(
    item: FileItem,
    recipe_directory: Path,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
    clock: Callable[[], float] = time.time,
) -> PinnedFile:
    """An item whose source is on this machine. `VerifyError` when it is not what the recipe says."""
    if (scheme := scheme_of(item.source)) not in ("", "file"):
        raise UsageError(
            f"cannot bring in {item.source}: unknown scheme {scheme}",
            hint=f"known are paths, file, {', '.join(REMOTE)}",
        )
    pinned = pin_local(item, recipe_directory, settings, refresh=refresh, clock=clock)
    if item.sha256 and pinned.kind != "file":
        raise VerifyError(f"{item.source} is a directory, for which there is no sha256")
    if item.sha256 and pinned.sha256 != item.sha256:
        raise VerifyError(
            f"{item.source} is not what was promised: its hash is wrong",
            details=f"expected sha256 {item.sha256}\ngot {pinned.size} bytes, sha256 {pinned.sha256}",
        )
    return _dressed(item, _extracted(item, pinned, settings, reporter))


def are_known(
    items: Sequence[FileItem], settings: Settings, *, refresh: bool, clock: Callable[[], float] = time.time
) -> bool:
    """Whether `pin` would ask no other machine."""
    memories = Memories(settings, refresh=refresh, now=clock())
    return all(memories.known(wanted(item)) for item in items if is_remote(item.source))


def wanted(item: FileItem) -> Wanted:
    """What to bring in for an item whose source is on another machine."""
    return Wanted(item.source, item.sha256, item.where, mode=item.mode is None and not item.extract)


def _finished(item: FileItem, brought: Brought, settings: Settings, reporter: Reporter) -> PinnedFile:
    pinned = PinnedFile(
        item.dest,
        public(item.source),
        brought.kind,
        brought.sha256,
        brought.size,
        path_of(brought.sha256, settings),
        brought.mode,
        brought.listing,
        pooled=brought.kind == "tree",
    )
    return _dressed(item, _extracted(item, pinned, settings, reporter))


def _extracted(item: FileItem, pinned: PinnedFile, settings: Settings, reporter: Reporter) -> PinnedFile:
    if not item.extract:
        return pinned
    if pinned.kind != "file":
        raise InputError(f"{pinned.source} is a directory, which cannot be extracted")
    from slipway.inputs.extract import extract

    brought = extract(pinned.path, pinned.sha256, settings, reporter, name=pinned.source, pause=time.sleep)
    return replace(
        pinned,
        kind="tree",
        sha256=brought.sha256,
        size=brought.size,
        path=path_of(brought.sha256, settings),
        mode=brought.mode,
        listing=brought.listing,
        archive=pinned.sha256,
        pooled=True,
    )


def _dressed(item: FileItem, pinned: PinnedFile) -> PinnedFile:
    """With the mode and owner that the recipe says."""
    if item.mode is not None:
        if pinned.kind != "file":
            raise InputError(f"{pinned.source} is a tree; `mode` is for a single file")
        pinned = replace(pinned, mode=item.mode)
    return replace(pinned, owner=item.owner) if item.owner else pinned
