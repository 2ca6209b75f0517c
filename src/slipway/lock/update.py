"""Make the lock of a recipe, or bring it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.choices import platforms_of
from slipway.build.locked import pinned_files
from slipway.build.model import Options
from slipway.build.resolve import resolve
from slipway.errors import LockError
from slipway.lock.fit import misfits, section
from slipway.lock.held import Held, held
from slipway.lock.made import from_inputs
from slipway.oci import compress
from slipway.oci.store import Store
from slipway.recipe.model import LayoutBase
from slipway.recipe.plain import as_data

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.lock.model import Lock
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings


def updated(
    recipe: Recipe,
    old: Lock | None,
    settings: Settings,
    reporter: Reporter,
    *,
    upgrade: bool = False,
    epoch: int | None = None,
    now: float | None = None,
) -> Lock:
    """The lock of `recipe`: what `old` says, as far as it fits; the rest is resolved, with the versions of `old` where possible.

    With `upgrade` everything is resolved anew, past all remembered answers. Local files are always taken as they are
    now. `epoch` is SOURCE_DATE_EPOCH (None: that of `old`), `now` in Unix seconds. Errors are those of resolving.
    """
    settings = settings.with_(proxies=recipe.proxy)
    known = None if upgrade else old
    if epoch is None and known is not None:
        epoch = known.epoch
    # a base image must be looked into to know its Python
    options = Options(refresh=upgrade, fetch=True, epoch=epoch, now=now)
    data = as_data(recipe)
    store = Store(settings.store)
    with store.shared():
        inputs = [
            resolve(
                recipe,
                platform,
                settings,
                store,
                reporter,
                options,
                held=held(known, data, str(platform)) if known else Held(),
            )
            for platform in platforms_of(recipe)
        ]
    lock = from_inputs(inputs, compress.get(settings.compression).name, epoch)
    if sources := sorted({d.name for p in lock.platforms if p.python for d in p.python.dists if d.sdist}):
        reporter.warn(
            f"source distributions: {', '.join(sources)}. The lock pins them, not the build backends that make wheels of "
            "them; another release of a backend may make other bytes"
        )
    return lock


def check(recipe: Recipe, lock: Lock, settings: Settings, reporter: Reporter) -> None:
    """`LockError` with every reason why `lock` is not that of `recipe` as it is now. Asks nobody: web files are not looked at."""
    platforms = platforms_of(recipe)
    names = [str(p) for p in platforms]
    why = misfits(lock, as_data(recipe), names)
    why += [f"it is also for {p.platform}" for p in lock.platforms if p.platform not in names]
    options = Options()
    store = Store(settings.store)
    for platform in [] if why else platforms:
        locked = section(lock, str(platform))
        if locked is None:
            continue
        _, changed = pinned_files(recipe, locked, settings, reporter, options)
        why += [f"{item.source} changed" for item in changed]
        if isinstance(recipe.base, LayoutBase) and locked.base:
            from slipway.build.base import open_base

            with store.shared():
                open_base(
                    recipe.base, platform, store, settings, reporter, options, digest=locked.base.digest
                )
    if why := list(dict.fromkeys(why)):
        raise LockError(
            f"the lock does not fit: {'; '.join(why)}", hint="`slipway lock` brings it up to date"
        )
