"""Bringing feeds up to date, one after the other."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from slipway.errors import FetchError, SlipwayError, UsageError, VerifyError
from slipway.files import disk
from slipway.net import redact
from slipway.scan.advisories.plug import Ask, kind
from slipway.scan.advisories.store import AdvisoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.advisories.plug import Change
    from slipway.settings import Settings

FIRST: Final = ("osv:PyPI", "osv:npm")  # what is fetched where nothing is yet, and nobody says what


def update(
    feeds: Sequence[str], settings: Settings, reporter: Reporter, *, source: str = "", now: float
) -> list[Change]:
    """Update these feeds, or all that are there; from where they came the last time unless `source` says otherwise.

    When one fails the others are still updated; then the first error is raised. A source that is a path may be relative.
    """
    if source and len(feeds) != 1:
        raise UsageError("--from is for one feed", hint="name the feed that is to be read from there")
    if source and "://" not in source:
        source = os.path.abspath(source)  # noqa: PTH100 - no symlink resolution
    if "@" in source and redact(source) != source:
        raise UsageError("an address with a password would be kept", hint="put the login into ~/.netrc")
    for feed in feeds:
        kind(feed)  # all names are looked at before anything is done
    changes: list[Change] = []
    failed: list[tuple[str, SlipwayError]] = []
    with AdvisoryStore.of(settings, write=True) as store, _alone(store.path, reporter):
        known = {row.feed.name: row.source for row in store.kept()}
        for feed in feeds or known or FIRST:
            try:
                ask = Ask(feed, source or known.get(feed, ""), now)
                changes += _one(ask, store, settings, reporter)
            except SlipwayError as error:
                if len(feeds) == 1:
                    raise
                reporter.warn(f"{feed}: {error.brief}")
                failed.append((feed, error))
    if failed:
        names = ", ".join(feed for feed, _ in failed)
        first = failed[0][1]
        details = "\n".join(f"{feed}: {error.brief}" for feed, error in failed)
        raise FetchError(f"not updated: {names}", details=details, hint=first.hint) from first
    return changes


def _one(ask: Ask, store: AdvisoryStore, settings: Settings, reporter: Reporter) -> tuple[Change, ...]:
    try:
        return kind(ask.feed).update(store, ask, settings, reporter)
    except FetchError as error:
        if ask.source or isinstance(error, VerifyError):  # what cannot be trusted is another matter
            raise
        # not every machine reaches the place that a feed has when nobody names one
        elsewhere = f"a copy will do as well: slipway advisories update {ask.feed} --from FILE|DIR|ADDRESS"
        hint = f"{error.hint}; {elsewhere}" if error.hint else elsewhere
        raise FetchError(error.brief, details=error.details, hint=hint, status=error.status) from error


@contextmanager
def _alone(path: Path, reporter: Reporter) -> Iterator[None]:
    """Two updates of one database wait for each other, and the second then finds less to do."""
    lock = path.with_name("update.lock")
    with disk(lock):
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reporter.note("another update is running; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
