"""Bringing a feed up to date: what has changed in the archive since, and the changelogs of what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.scan.advisories.debian import supportdata, tables
from slipway.scan.advisories.debian.archive import Part, opened, parts
from slipway.scan.advisories.debian.changelogs import Sources, bring, is_stable_update
from slipway.scan.advisories.debian.label import read_label
from slipway.scan.advisories.debian.packages import Binary, newest
from slipway.scan.advisories.replace import replace_feed
from slipway.scan.advisories.schema import troubles
from slipway.scan.model import Advisory, Affected, Feed, Range
from slipway.scan.times import stamp
from slipway.scan.versions import debian, ubuntu

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.events import Reporter
    from slipway.scan.advisories.debian.archive import Archive
    from slipway.scan.advisories.debian.changelog import Changelog, Entry
    from slipway.scan.advisories.debian.label import Label
    from slipway.scan.advisories.plug import Ask, Change
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class _Read:
    """An index; `number` is that of the same in the database, 0 when it is new."""

    part: Part
    number: int
    binaries: list[Binary]


def update(store: AdvisoryStore, ask: Ask, settings: Settings, reporter: Reporter) -> tuple[Change, ...]:
    """The date of the feed is that of the newest Release file.

    `UsageError` when it is not known where the suites are, `FetchError` when they cannot be had, `VerifyError` when they cannot be
    trusted: a wrong signature or hash, or a Release file that has expired.
    """
    label = read_label(ask.label)
    with store.writing() as connection:
        tables.create(connection)
    with opened(label, ask.source, settings, reporter, ask.now) as archive:
        with reporter.step("package index", f"{label.codename} {label.arch}") as step:
            listed = parts(archive, label)
            indexes = _indexes(store, label, archive, listed)
            fresh = sum(not index.number for index in indexes)
            step.detail = f"{fresh} of {len(indexes)} are new"
        sources = Sources()
        for index in indexes:
            part = index.part
            sources.add(index.binaries, part.place.archive, is_update=part.is_update)
        with troubles(store.path):
            known = tables.changelogs_of_release(store.connection, label.codename)
        changelogs = bring(sources, known, archive.fetch, archive.client, settings.threads, reporter)
        packages = ((index.part.place.archive, binary) for index in indexes for binary in index.binaries)
        support = supportdata.bring(label, packages, archive.fetch, reporter)
    feed = Feed(label.feed, listed[0].release.version, stamp(max(part.release.date for part in listed)))
    updated = stamp(ask.now)
    with store.writing() as connection:
        _write_indexes(store, label, indexes)
        tables.write_rest(
            connection, feed.name, label.codename, support.ends, changelogs, support.unsupported
        )
        told = advisories(label, feed, changelogs)
        change = replace_feed(store, connection, feed, told, keep=(), source=ask.source, updated=updated)
        # The list is a lower bound: who asks by ecosystem must not be told that all else is well.
        store.note(feed, (), source=ask.source, updated=updated)
    return (change,)


def advisories(label: Label, feed: Feed, changelogs: Mapping[str, Changelog]) -> Iterator[Advisory]:
    """What the changelogs say, by CVE: a source is repaired in the first version that names it."""
    ecosystem = debian(label.codename) or ubuntu(feed.version)
    named: dict[str, dict[str, list[Entry]]] = {}
    for source, changelog in sorted(changelogs.items()):
        for entry in changelog.since(""):
            for name in entry.ids:
                named.setdefault(name, {}).setdefault(source, []).append(entry)
    for name, by_source in sorted(named.items()):
        affected = tuple(
            Affected(ecosystem, source, (Range(fixed=entries[0].version),), fix_state="fixed")
            for source, entries in by_source.items()
        )
        modified = max(entry.date for entries in by_source.values() for entry in entries)
        yield Advisory(name, feed.name, affected=affected, modified=modified)


def _indexes(store: AdvisoryStore, label: Label, archive: Archive, listed: list[Part]) -> list[_Read]:
    with troubles(store.path):
        known = {row[1:]: row.number for row in tables.indexes(store.connection, label.feed)}
    found = []
    for part in listed:
        number = known.get((*_place(part),), 0)
        if number:
            with troubles(store.path):
                binaries = [Binary(*row) for row in tables.binaries(store.connection, number)]
        else:
            stanzas = archive.reader.stanzas(part.place, part.release, part.component, label.arch)
            binaries = newest(stanzas)
        found.append(_Read(part, number, binaries))
    return found


def _place(part: Part) -> tuple[str, str, str, str]:
    return part.place.name, part.component, part.place.archive, part.listed.sha256


def _write_indexes(store: AdvisoryStore, label: Label, indexes: list[_Read]) -> None:
    connection = store.connection
    stay = {index.number for index in indexes}
    for row in tables.indexes(connection, label.feed):
        if row.number not in stay:
            tables.drop_index(connection, row.number)
    for index in indexes:
        if not index.number:
            rows = (_kept(binary, index.part) for binary in index.binaries)
            tables.write_index(
                connection, label.feed, _place(index.part), rows, security=index.part.is_security
            )


def _kept(binary: Binary, part: Part) -> Binary:
    """Where to get it is only kept for what may be fetched: of the great many others it would be most of the table."""
    wanted = part.is_update or binary.name in supportdata.PACKAGES or is_stable_update(binary.source_version)
    return binary if wanted else binary._replace(filename="", size=0, sha256="")
