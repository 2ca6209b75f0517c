"""Sources on other machines brought into the cache, all of them at once."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError, Where
from slipway.inputs.address import scheme_of
from slipway.inputs.memory import Memories

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.events import Reporter
    from slipway.inputs.memory import Brought, Wanted
    from slipway.inputs.network import Network
    from slipway.settings import Settings


def bring(
    items: Sequence[Wanted],
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
    now: float,
    network: Network | None = None,
) -> list[Brought]:
    """What the sources are, in their order.

    What is in the cache with the right hash, and answers younger than `settings.max_age` seconds, are used without
    asking; `refresh` asks for all but the former. `now` is in seconds since 1970. The first failure ends the
    others and is raised, with the place of its item: `FetchError`, `VerifyError`, `UsageError` for what is no address.
    Whoever gives a `network` can end the work by it.
    """
    memories = Memories(settings, refresh=refresh, now=now)
    found: dict[tuple[str, str, bool], Brought] = {}
    todo: dict[tuple[str, str, bool], Wanted] = {}
    for item in items:
        key = _key(item)
        if key not in todo and key not in found:
            with placed(item.where):
                known = memories.known(item)
            if known:
                found[key] = known
            else:
                todo[key] = item
    if todo:
        found.update(zip(todo, _fetch_all(list(todo.values()), network, reporter, memories), strict=True))
    return [found[_key(item)] for item in items]


def _key(item: Wanted) -> tuple[str, str, bool]:
    return item.source, item.sha256, item.mode


@contextmanager
def placed(where: Where | None) -> Iterator[None]:
    """Tell an error where in the recipe its cause is."""
    try:
        yield
    except SlipwayError as error:
        error.where = error.where or where
        raise


def _fetch_all(
    items: Sequence[Wanted], network: Network | None, reporter: Reporter, memories: Memories
) -> list[Brought]:
    from slipway.inputs.crew import run_all

    if network is None:  # it costs time to make
        from slipway.inputs.network import Network

        with Network(memories.settings) as own:
            return _fetch_all(items, own, reporter, memories)
    tasks = [partial(_fetch, item, network, reporter, memories) for item in items]
    return run_all(tasks, network, memories.settings.threads)


def _fetch(item: Wanted, network: Network, reporter: Reporter, memories: Memories) -> Brought:
    with placed(item.where):
        if scheme_of(item.source) in ("http", "https"):
            from slipway.inputs.web import fetch_web

            return fetch_web(item.source, network.client, reporter, memories, sha256=item.sha256)
        from slipway.inputs.remote import fetch_remote

        return fetch_remote(item.source, network, reporter, memories, sha256=item.sha256)
