"""The recipe's `files`: every source brought in and pinned by the hash of its content."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from typing import TYPE_CHECKING

from slipway.errors import NotYetError, SlipwayError
from slipway.inputs.local import pin_local
from slipway.inputs.pinned import PinnedFile, file_fragment
from slipway.net_errors import redact
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.inputs.web import WebFile
    from slipway.recipe.model import FileItem
    from slipway.settings import Settings

__all__ = ["PinnedFile", "file_fragment", "pin"]

_SCHEME = pattern(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def pin(
    items: Sequence[FileItem],
    recipe_directory: Path,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
    clock: Callable[[], float] = time.time,
) -> list[PinnedFile]:
    """The sources of `items` as they are now, in their order.

    `refresh` asks web servers and reads local files again, whatever is remembered. An error carries the
    place of its item in the recipe. `clock` gives seconds since 1970.
    """
    pinned: dict[int, PinnedFile] = {}
    online: list[int] = []
    for number, item in enumerate(items):
        with _placed(item):
            if _scheme(item) in ("http", "https"):
                online.append(number)
            else:
                pinned[number] = pin_local(item, recipe_directory, settings, refresh=refresh, clock=clock)
    if online:
        found = _pin_online([items[n] for n in online], settings, reporter, refresh=refresh, now=clock())
        pinned.update(zip(online, found, strict=True))
    return [pinned[number] for number in range(len(items))]


def _pin_online(
    items: Sequence[FileItem], settings: Settings, reporter: Reporter, *, refresh: bool, now: float
) -> list[PinnedFile]:
    from slipway.inputs.web import fetch_web, remembered

    known: dict[str, WebFile | None] = {
        item.source: None if refresh else remembered(item.source, settings, now) for item in items
    }
    unknown = [url for url, file in known.items() if file is None]
    if unknown:  # a client costs time to make
        from slipway.inputs.crew import run_all
        from slipway.net import Client

        where = {item.source: item for item in reversed(items)}

        def ask(url: str) -> WebFile:
            with _placed(where[url]):
                return fetch_web(url, settings, reporter, refresh=refresh, now=now, client=client)

        with Client(settings) as client:
            answers = run_all([functools.partial(ask, url) for url in unknown], client, settings.threads)
        known.update(zip(unknown, answers, strict=True))
    return [_pinned(item, file) for item in items if (file := known[item.source])]


def _pinned(item: FileItem, file: WebFile) -> PinnedFile:
    return PinnedFile(item.dest, redact(item.source), "file", file.sha256, file.size, file.path)


def _scheme(item: FileItem) -> str:
    found = _SCHEME.match(item.source)
    scheme = found[1].lower() if found else "file"
    if scheme not in ("file", "http", "https"):
        raise NotYetError(
            f"cannot bring in {redact(item.source)}: files are local paths or http(s) URLs so far"
        )
    return scheme


@contextlib.contextmanager
def _placed(item: FileItem) -> Iterator[None]:
    """Tell an error where in the recipe its cause is."""
    try:
        yield
    except SlipwayError as error:
        error.where = error.where or item.where
        raise
