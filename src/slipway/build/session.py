"""What the platforms of one build share: the store, which is held meanwhile, the cache, and what was asked for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway.build.assemble import Builder
from slipway.build.choices import platforms_of
from slipway.build.early import ahead_of
from slipway.build.pythonparts import compiling
from slipway.build.resolve import Inputs, resolve
from slipway.oci import compress
from slipway.oci.fragment import FragmentCache
from slipway.oci.store import Store
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.build.model import Options
    from slipway.events import Reporter
    from slipway.python.ahead import Ahead
    from slipway.recipe.model import Platform, Recipe
    from slipway.settings import Settings


@value
class Session:
    """Of one recipe. Nothing is collected from the store meanwhile."""

    recipe: Recipe
    settings: Settings
    store: Store
    cache: FragmentCache
    reporter: Reporter
    options: Options

    def inputs(self, platform: Platform, ahead: Ahead | None = None) -> Inputs:
        """Resolved, or as the lock says."""
        inputs = resolve(
            self.recipe, platform, self.settings, self.store, self.reporter, self.options, ahead=ahead
        )
        return compiling(inputs, self.cache, self.settings, self.options.epoch)

    @contextmanager
    def builder(self, platform: Platform) -> Iterator[Builder]:
        """For this platform's inputs; conversions that were begun early end with the block."""
        with ahead_of(self.recipe, self.cache, self.settings, self.reporter) as ahead:
            yield Builder(self, self.inputs(platform, ahead), ahead)

    def lay_out(self, inputs: Inputs) -> None:
        """Write the context for people, where it is asked for."""
        if self.options.context is None:
            return
        from slipway.build.context import write_context
        from slipway.build.missing import bring_files

        inputs = bring_files(inputs, self.cache, self.settings, self.reporter, prefix="")
        write_context(inputs, self.cache, self.options.context)


@contextmanager
def opened(recipe: Recipe, settings: Settings, reporter: Reporter, options: Options) -> Iterator[Session]:
    """`LockError` when the options have a lock that does not fit."""
    settings = settings.with_(proxies=recipe.proxy)
    store = Store(settings.store)
    compression = compress.get(settings.compression)
    cache = FragmentCache(settings.cache / "fragments", compression, fresh=options.no_cache)
    with store.shared():
        if options.lock is not None:
            from slipway.build.locked import prepared

            options = prepared(
                recipe, options.lock, platforms_of(recipe), store, cache, settings, reporter, options
            )
        yield Session(recipe, settings, store, cache, reporter, options)
