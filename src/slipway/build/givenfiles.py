"""The recipe's files for a build: brought in while other things are asked for."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from slipway.aside import beside
from slipway.inputs.address import is_remote, public
from slipway.lock.held import row_key
from slipway.recipe.plainparts import file_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from slipway.build.model import Options
    from slipway.events import Reporter
    from slipway.inputs.network import Network
    from slipway.inputs.pinned import PinnedFile
    from slipway.lock.held import Held
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings

Files = tuple["PinnedFile", ...]


def begun_files(
    recipe: Recipe, settings: Settings, reporter: Reporter, options: Options, held: Held
) -> AbstractContextManager[Callable[[], Files]]:
    """Gives what waits for the recipe's files; an error that leaves the block ends the work on them."""
    if not any(is_remote(item.source) for item in recipe.files) or _is_remembered(recipe, settings, options):
        found = _pin(recipe, settings, reporter, options, held, None)
        return nullcontext(lambda: found)
    from slipway.inputs.network import Network

    network = Network(settings)

    def bring() -> Files:
        with network:
            return _pin(recipe, settings, reporter, options, held, network)

    return beside(bring, network.abort)


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
