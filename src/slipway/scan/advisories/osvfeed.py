"""Feeds of OSV advisories: from a directory, an archive, one file, or the web.

On the web a feed is an archive, or a directory as OSV publishes one for each ecosystem (google.github.io/osv.dev/data):
`all.zip`, `modified_id.csv`, and a file for each advisory.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from slipway.errors import InputError, UsageError
from slipway.inputs.download import path_of
from slipway.inputs.fileurl import file_path, is_file
from slipway.inputs.memory import Memories
from slipway.inputs.web import fetch_web
from slipway.net import Client, redact
from slipway.scan.advisories import osvweb
from slipway.scan.advisories.osvfiles import Source
from slipway.scan.model import Feed
from slipway.scan.times import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.events import Reporter
    from slipway.scan.advisories.plug import Ask, Change
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import Advisory
    from slipway.settings import Settings

HOME: Final = "https://osv-vulnerabilities.storage.googleapis.com"


def update(store: AdvisoryStore, ask: Ask, settings: Settings, reporter: Reporter) -> tuple[Change, ...]:
    """`UsageError` when there is nothing at the source, `InputError` when it is damaged or holds no advisory."""
    source = ask.source or _home(ask)
    if is_file(source):
        source = str(file_path(source))
    if "://" not in source:
        return (_from_path(store, ask, Path(source), Feed(ask.feed), reporter),)
    with Client(settings) as client:
        if source.endswith("/"):
            found = osvweb.changes(store, ask.feed, source, client, settings, reporter)
            if found is not None:
                feed = Feed(ask.feed, "", stamp(ask.now))
                fresh, keep = found
                return (store.put(feed, fresh, keep=keep, source=ask.source, updated=stamp(ask.now)),)
            source += "all.zip"
        memories = Memories(settings, refresh=True, now=ask.now)
        brought = fetch_web(source, client, reporter, memories)
    feed = Feed(ask.feed, brought.sha256[:12], stamp(ask.now))
    return (_from_path(store, ask, path_of(brought.sha256, settings), feed, reporter, redact(source)),)


def _home(ask: Ask) -> str:
    if not ask.label:
        raise UsageError(
            "it is not said which OSV advisories",
            hint="name an ecosystem, as in osv:PyPI, or say where they are with --from",
        )
    return f"{HOME}/{quote(ask.label)}/"


def _from_path(
    store: AdvisoryStore, ask: Ask, path: Path, feed: Feed, reporter: Reporter, shown: str = ""
) -> Change:
    source = Source(path, ask.feed)
    with reporter.step(f"import {ask.feed}", shown or str(path)) as step:
        change = store.put(feed, _some(source, shown or str(path)), source=ask.source, updated=stamp(ask.now))
        step.detail = f"{change.total} advisories"
    if source.skipped:
        reporter.log(f"{shown or path}: {source.skipped} files are no advisories")
    return change


def _some(source: Source, shown: str) -> Iterator[Advisory]:
    """A place without any advisory is the wrong place: what is there must not take the place of what we have."""
    count = 0
    for count, advisory in enumerate(source.advisories(), 1):  # noqa: B007 - the count is looked at in the end
        yield advisory
    if not count:
        raise InputError(f"there are no OSV advisories in {shown}")
