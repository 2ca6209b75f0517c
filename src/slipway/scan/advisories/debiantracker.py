"""Debian's status of every CVE in each of its source packages, as its security tracker exports it
(security-tracker.debian.org/tracker/data/json).

    {SOURCE: {CVE: {"description", "releases": {CODENAME: {"status", "fixed_version", "urgency", "nodsa_reason"}}}}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.scan.advisories import fields
from slipway.scan.advisories.documents import bring, documents
from slipway.scan.model import Advisory, Affected, Feed, FixState, Range, Severity
from slipway.scan.severity import level_of
from slipway.scan.times import stamp
from slipway.scan.versions import debian

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.events import Reporter
    from slipway.scan.advisories.plug import Ask, Change
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.settings import Settings

HOME: Final = "https://security-tracker.debian.org/tracker/data/json"

_MOST_BYTES: Final = 512 << 20  # the whole tracker is one document
_NOTHING_TO_FIX: Final = "0"  # a fixed_version: the release never had what is affected
_NO_ADVISORY: Final[dict[str, FixState]] = {"ignored": "wont-fix", "postponed": "deferred"}


def update(store: AdvisoryStore, ask: Ask, settings: Settings, reporter: Reporter) -> tuple[Change, ...]:
    updated = stamp(ask.now)
    place = bring(ask.source or HOME, settings, reporter, ask.now)
    found: dict[str, tuple[str, list[Affected]]] = {}
    for where, data in documents(place.path, _MOST_BYTES):
        _gather(fields.document(data, where), where, found)
    if not found:
        raise InputError(f"there are no CVEs in {place.shown}")
    # an export tells no date; a file is as new as when it was saved
    feed = Feed(ask.feed, place.version, updated if place.version else stamp(place.path.stat().st_mtime))
    return (store.put(feed, _advisories(found, ask.feed), source=ask.source, updated=updated),)


def _gather(tracker: Any, where: str, found: dict[str, tuple[str, list[Affected]]]) -> None:
    if not isinstance(tracker, dict):
        raise InputError(f"{where} is not an export of Debian's security tracker")
    try:
        for source in sorted(tracker):
            for name in sorted(fields.mapping(tracker, source)):
                record = fields.mapping(tracker[source], name)
                description, entries = found.get(name, ("", []))
                found[name] = description or fields.text(record, "description"), entries
                releases = fields.mapping(record, "releases")
                for codename in sorted(releases):
                    if ecosystem := debian(codename):
                        entries.append(_affected(ecosystem, source, fields.mapping(releases, codename)))
    except InputError as error:
        raise InputError(f"{where} is not an export of Debian's security tracker: {error.brief}") from error


def _advisories(found: Mapping[str, tuple[str, list[Affected]]], feed: str) -> Iterator[Advisory]:
    for name, (description, entries) in sorted(found.items()):
        address = f"https://security-tracker.debian.org/tracker/{name}"
        yield Advisory(name, feed, details=description, affected=tuple(entries), urls=(address,))


def _affected(ecosystem: str, source: str, row: Mapping[str, Any]) -> Affected:
    status, urgency = fields.word(row, "status"), fields.word(row, "urgency")
    level = level_of(urgency)
    severity = Severity(level, origin="debian", original=urgency) if level else Severity()
    if status == "resolved":
        fixed = fields.word(row, "fixed_version")
        spans = () if fixed == _NOTHING_TO_FIX or not fixed else (Range(fixed=fixed),)
        return Affected(ecosystem, source, spans, (), severity, "fixed" if spans else "unknown", status)
    state: FixState = "unknown"
    if status == "open":
        state = _NO_ADVISORY.get(fields.word(row, "nodsa_reason"), "not-fixed")
    if urgency == "end-of-life":
        state = "wont-fix"
    return Affected(ecosystem, source, (Range(),), (), severity, state, status)
