"""The recipe's files for a build: brought in while other things are asked for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway.inputs.address import is_remote, public
from slipway.lock.held import row_key
from slipway.recipe.plainparts import file_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.build.model import Options
    from slipway.events import Reporter
    from slipway.inputs.network import Network
    from slipway.inputs.pinned import PinnedFile
    from slipway.lock.held import Held
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings

Files = tuple["PinnedFile", ...]


@contextmanager
def begun_files(
    recipe: Recipe, settings: Settings, reporter: Reporter, options: Options, held: Held
) -> Iterator[Callable[[], Files]]:
    """Gives what waits for the recipe's files; an error that leaves the block ends the work on them."""
    if not any(is_remote(item.source) for item in recipe.files) or _is_remembered(recipe, settings, options):
        found = _pin(recipe, settings, reporter, options, held, None)
        yield lambda: found
        return
    from concurrent.futures import ThreadPoolExecutor

    from slipway.inputs.network import Network

    with Network(settings) as network, ThreadPoolExecutor(1) as pool:
        pinned = pool.submit(_pin, recipe, settings, reporter, options, held, network)
        try:
            yield pinned.result
        except BaseException:
            network.abort()
            raise


def _is_remembered(recipe: Recipe, settings: Settings, options: Options) -> bool:
    """Whether no machine need be asked: then a thread would cost more than it saves."""
    from slipway.inputs.files import are_known

    return are_known(recipe.files, settings, refresh=options.refresh)


def _pin(
    recipe: Recipe,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    held: Held,
    network: Network | None,
) -> Files:
    """What is held is taken as it was."""
    if not recipe.files:
        return ()
    from slipway.inputs.files import pin
    from slipway.inputs.promised import promised

    rows = [held.files.get(row_key(file_data(item, public(item.source)))) for item in recipe.files]
    asked = [item for item, row in zip(recipe.files, rows, strict=True) if row is None]
    found = iter(pin(asked, recipe.directory, settings, reporter, refresh=options.refresh, network=network))
    return tuple(
        promised(item, row, settings) if row else next(found)
        for item, row in zip(recipe.files, rows, strict=True)
    )
