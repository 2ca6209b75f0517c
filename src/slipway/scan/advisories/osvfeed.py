"""Feeds of OSV advisories: from a directory, an archive, one file, or the web.

On the web a feed is an archive, or a directory as OSV publishes one for each ecosystem (google.github.io/osv.dev/data):
`all.zip`, `modified_id.csv`, and a file for each advisory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from slipway.errors import InputError, UsageError
from slipway.inputs.fileurl import is_file
from slipway.scan.advisories import osvweb
from slipway.scan.advisories.documents import bring
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
    """`UsageError` when there is nothing at the source, `InputError` when it is damaged or holds no advisory.

    What comes from the web is as new as the moment it was asked for, what comes from files as their newest advisory.
    """
    source = ask.source or _home(ask)
    updated = stamp(ask.now)
    if source.endswith("/") and "://" in source and not is_file(source):
        found = osvweb.changes(store, ask.feed, source, settings, reporter)
        if found is not None:
            fresh, keep = found
            feed = Feed(ask.feed, "", updated)
            return (store.put(feed, fresh, keep=keep, source=ask.source, updated=updated),)
        source += "all.zip"
    place = bring(source, settings, reporter, ask.now)
    documents = Source(place.path, ask.feed)
    feed = Feed(ask.feed, place.version, updated if place.version else "")
    with reporter.step(f"import {ask.feed}", place.shown) as step:
        change = store.put(feed, _some(documents, place.shown), source=ask.source, updated=updated)
        step.detail = f"{change.total} advisories"
    if documents.skipped:
        reporter.log(f"{place.shown}: {documents.skipped} files are no advisories")
    return (change,)


def _home(ask: Ask) -> str:
    if not ask.label:
        raise UsageError(
            "it is not said which OSV advisories",
            hint="name an ecosystem, as in osv:PyPI, or say where they are with --from",
        )
    return f"{HOME}/{quote(ask.label)}/"


def _some(source: Source, shown: str) -> Iterator[Advisory]:
    """A place without any advisory is the wrong place: what is there must not take the place of what we have."""
    count = 0
    for advisory in source.advisories():
        count += 1
        yield advisory
    if not count:
        raise InputError(f"there are no OSV advisories in {shown}")
