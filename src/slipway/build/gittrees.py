"""The recipe's repositories for a build: brought in while other things are asked for, or as a lock says."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

from slipway.aside import beside
from slipway.lock.held import row_key
from slipway.recipe.plainparts import repository_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from slipway.build.model import Options
    from slipway.events import Reporter
    from slipway.inputs.repository import PinnedRepository
    from slipway.lock.held import Held
    from slipway.lock.model import LockedPlatform, LockedRepository
    from slipway.recipe.model import Recipe, Repository
    from slipway.settings import Settings

Trees = tuple["PinnedRepository", ...]


def begun_trees(
    recipe: Recipe, settings: Settings, reporter: Reporter, options: Options, held: Held
) -> AbstractContextManager[Callable[[], Trees]]:
    """Gives what waits for the recipe's repositories; an error that leaves the block ends the work on them."""
    if not recipe.repositories:
        return nullcontext(tuple)
    from slipway.inputs.git import recall

    known = None
    if not (options.refresh or held.repositories):
        known = recall(recipe.repositories, settings, now=options.now, directory=recipe.directory)
    if known is not None:
        found = tuple(known)
        return nullcontext(lambda: found)
    stop = threading.Event()
    return beside(lambda: _pin(recipe, settings, reporter, options, held, stop), stop.set)


def _pin(
    recipe: Recipe,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    held: Held,
    stop: threading.Event,
) -> Trees:
    """What is held is brought in at its commit."""
    from slipway.inputs.git import pin_commits, pin_repositories

    place = recipe.directory
    rows = {
        number: row
        for number, item in enumerate(recipe.repositories)
        if (row := held.repositories.get(row_key(repository_data(item))))
    }
    asked = [item for number, item in enumerate(recipe.repositories) if number not in rows]
    found = iter(
        pin_repositories(
            asked, settings, reporter, refresh=options.refresh, now=options.now, directory=place, stop=stop
        )
    )
    items = [recipe.repositories[number] for number in rows]
    promises = [promised_tree(item, row, settings) for item, row in zip(items, rows.values(), strict=True)]
    kept = iter(pin_commits(items, promises, settings, reporter, directory=place, stop=stop))
    return tuple(next(kept) if n in rows else next(found) for n in range(len(recipe.repositories)))


def promised_trees(recipe: Recipe, locked: LockedPlatform, settings: Settings) -> Trees:
    """The repositories as a lock says; their files may not be here."""
    return tuple(
        promised_tree(item, row, settings)
        for item, row in zip(recipe.repositories, locked.repositories, strict=True)
    )


def promised_tree(item: Repository, row: LockedRepository, settings: Settings) -> PinnedRepository:
    from slipway.inputs.git import promised

    return promised(item, row.commit, row.sha256, row.size, (row.heads, row.tags), settings)
