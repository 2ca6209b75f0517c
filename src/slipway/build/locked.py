"""Inputs from a lock: nothing is resolved, and with the setting `offline` nothing is downloaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.build.gittrees import promised_trees
from slipway.build.pythonparts import asking_of, compiling
from slipway.build.resolve import Inputs
from slipway.errors import LockError
from slipway.inputs.address import is_remote
from slipway.inputs.download import Download
from slipway.inputs.promised import promised
from slipway.lock.fit import misfits, section
from slipway.recipe.model import LayoutBase, RegistryBase
from slipway.recipe.plain import as_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.build.base import BaseImage
    from slipway.build.model import Options
    from slipway.events import Reporter
    from slipway.inputs.pinned import PinnedFile
    from slipway.lock.model import Lock, LockedPlatform
    from slipway.oci.fragment import FragmentCache
    from slipway.oci.store import Store
    from slipway.recipe.model import FileItem, Platform, Recipe
    from slipway.settings import Settings

HINT = "`slipway lock` takes the change into the lock"


def prepared(
    recipe: Recipe,
    lock: Lock,
    platforms: Sequence[Platform],
    store: Store,
    cache: FragmentCache,
    settings: Settings,
    reporter: Reporter,
    options: Options,
) -> Options:
    """The options of a build from `lock`: those given, with the lock's SOURCE_DATE_EPOCH.

    Looks at everything that can be known before any work. `LockError` when the lock is not of this recipe, these
    platforms, this date; `FetchError` when nothing may be downloaded and something is missing.
    """
    if why := misfits(lock, as_data(recipe), [str(p) for p in platforms]):
        raise LockError(f"the lock does not fit: {'; '.join(why)}", hint=HINT)
    if options.epoch not in (None, lock.epoch):
        date = "none" if lock.epoch is None else lock.epoch
        raise LockError(
            f"SOURCE_DATE_EPOCH is {options.epoch}, in the lock it is {date}",
            hint="unset it, or run `slipway lock` with it",
        )
    if lock.compression != cache.compression.name:
        reporter.warn(
            f"the lock was written with {lock.compression}, this is {cache.compression.name}: "
            "the image will have the same content and other bytes"
        )
    options = replace(options, epoch=lock.epoch)
    if settings.offline and options.fetch:
        from slipway.build.missing import missing_downloads, refuse

        missing: dict[str, Download] = {}
        for platform in platforms:
            locked = _section(lock, platform)
            known = _is_known(locked, settings)
            image = _image(recipe, platform, locked, store, settings, reporter, options) if known else None
            files = [
                promised(item, row, settings) for item, row in zip(recipe.files, locked.files, strict=True)
            ]
            inputs = _inputs(recipe, platform, locked, image, files, settings, reporter)
            inputs = compiling(inputs, cache, settings, options.epoch)
            missing |= missing_downloads(inputs, store, cache, settings, options)
            if not known and locked.base:
                missing[locked.base.digest] = Download("", name=f"base image {locked.base.reference}")
        refuse(list(missing.values()))
    return options


def locked_inputs(
    recipe: Recipe,
    platform: Platform,
    lock: Lock,
    store: Store,
    settings: Settings,
    reporter: Reporter,
    options: Options,
) -> Inputs:
    """The inputs that `lock` says; `LockError` naming each local file that is not what it was."""
    locked = _section(lock, platform)
    files, changed = pinned_files(recipe, locked, settings, reporter, options)
    if changed:
        raise _differ(changed)
    image = _image(recipe, platform, locked, store, settings, reporter, options)
    return _inputs(recipe, platform, locked, image, files, settings, reporter)


# -- one platform --------------------------------------------------------------------------------------------


def _section(lock: Lock, platform: Platform) -> LockedPlatform:
    found = section(lock, str(platform))
    if found is None:
        raise LockError(f"the lock is not for {platform}", hint=HINT)
    return found


def _inputs(
    recipe: Recipe,
    platform: Platform,
    locked: LockedPlatform,
    image: BaseImage | None,
    files: Sequence[PinnedFile],
    settings: Settings,
    reporter: Reporter,
) -> Inputs:
    inputs = Inputs(
        recipe,
        platform,
        locked.debian,
        image,
        locked.python,
        locked.target,
        tuple(files),
        repositories=promised_trees(recipe, locked, settings),
        init=locked.init,
    )
    trees = asking_of(inputs, settings, reporter).trees(locked.python)
    return replace(inputs, sources=trees)


def _image(
    recipe: Recipe,
    platform: Platform,
    locked: LockedPlatform,
    store: Store,
    settings: Settings,
    reporter: Reporter,
    options: Options,
) -> BaseImage | None:
    if locked.base is None or not isinstance(recipe.base, LayoutBase | RegistryBase):
        return None
    from slipway.build.base import open_base

    return open_base(recipe.base, platform, store, settings, reporter, options, digest=locked.base.digest)


def pinned_files(
    recipe: Recipe, locked: LockedPlatform, settings: Settings, reporter: Reporter, options: Options
) -> tuple[list[PinnedFile], list[FileItem]]:
    """The files of a locked platform, and the items whose local sources are not what the lock says."""
    files = []
    changed = []
    for item, row in zip(recipe.files, locked.files, strict=True):
        if is_remote(item.source):
            files.append(promised(item, row, settings))
            continue
        from slipway.inputs.files import pin_here

        found = item
        if item.dest in options.places:  # as it is in an image: what was an archive is a tree there
            found = replace(item, source=str(options.places[item.dest]), sha256="", extract=False)
        pinned = pin_here(found, recipe.directory, settings, reporter, refresh=options.refresh)
        files.append(replace(pinned, source=item.source))
        if (pinned.kind, pinned.sha256, pinned.mode) != (row.kind, row.sha256, row.mode):
            changed.append(item)
    return files, changed


def _differ(changed: Sequence[FileItem]) -> LockError:
    names = [item.source for item in changed]
    brief = f"{names[0]} is" if len(names) == 1 else f"{len(names)} files are"
    return LockError(
        f"{brief} not what the lock says",
        details="\n".join(names) if len(names) > 1 else "",
        hint="bring back what was locked, or take the change into the lock with `slipway lock`",
        where=changed[0].where,
    )


def _is_known(locked: LockedPlatform, settings: Settings) -> bool:
    """Whether the base image can be opened without asking its registry."""
    if locked.base is None or locked.base.reference.startswith("oci:"):
        return True
    from slipway.build.basedocuments import recall
    from slipway.oci.digest import Digest

    return recall(settings, Digest(locked.base.digest)) is not None
