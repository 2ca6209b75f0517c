"""Ubuntu's status of every CVE in each of its packages (ubuntu.com/security/api/docs: `/security/cves.json`, `/security/cves/ID.json`).

{"cves": [{"id", "published", "updated_at", "description", "priority", "packages": [{"name", "statuses":
    [{"release_codename", "status", "description", "pocket"}]}]}], "offset", "limit", "total_results"}
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.advisories import fields
from slipway.scan.advisories.documents import MOST_BYTES, bring, documents
from slipway.scan.cvss import base_score
from slipway.scan.model import Advisory, Affected, Feed, FixState, Range, Severity
from slipway.scan.severity import level_of
from slipway.scan.times import stamp
from slipway.scan.versions import ubuntu

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.events import Reporter
    from slipway.scan.advisories.plug import Ask, Change
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.settings import Settings

HOME: Final = "https://ubuntu.com/security/cves.json"

RELEASES: Final = {  # by codename
    "trusty": "14.04",
    "xenial": "16.04",
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "noble": "24.04",
    "oracular": "24.10",
    "plucky": "25.04",
    "questing": "25.10",
    "resolute": "26.04",
}
# What each status means for a fix; with any other a package is not affected, or not there.
_AFFECTED: Final[dict[str, FixState]] = {
    "needed": "not-fixed",
    "active": "not-fixed",
    "pending": "not-fixed",
    "needs-triage": "unknown",
    "deferred": "deferred",
    "ignored": "wont-fix",
}
_VERSION = pattern(r"[0-9][A-Za-z0-9.+:~-]*")


def update(store: AdvisoryStore, ask: Ask, settings: Settings, reporter: Reporter) -> tuple[Change, ...]:
    """From files of either form, or from the web, where the list comes in pages."""
    source = ask.source or HOME
    updated = stamp(ask.now)
    place = bring(source, settings, reporter, ask.now)
    records = [record for where, data in documents(place.path) for record in _records(data, where)]
    if place.version:
        pages = _pages(place.path.read_bytes(), source, settings, reporter)
        records += [record for page in pages for record in _records(page, place.shown)]
    if not records:
        raise InputError(f"there are no CVEs in {place.shown}")
    feed = Feed(ask.feed, "", updated if place.version else "")
    advisories = (_advisory(record, ask.feed) for record in records)
    return (store.put(feed, advisories, source=ask.source, updated=updated),)


def _records(data: bytes, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    found = fields.document(data, where)
    rows = found.get("cves", [found]) if isinstance(found, dict) else found
    for row in rows if isinstance(rows, list) else [None]:
        if not isinstance(row, dict) or "id" not in row:
            raise InputError(f"{where} is not a list of Ubuntu's CVEs")
        yield where, row


def _pages(first: bytes, source: str, settings: Settings, reporter: Reporter) -> list[bytes]:
    """The pages after the first one, as long as the server has more than it sent at once."""
    from slipway.inputs.crew import run_all
    from slipway.inputs.download import fetch_bytes
    from slipway.net import Client

    found = fields.document(first, source)
    total = found.get("total_results") if isinstance(found, dict) else None
    size = len(found["cves"]) if isinstance(total, int) else 0
    if not size or not isinstance(total, int) or total <= size:
        return []
    address = urlsplit(source)
    with Client(settings) as client, reporter.step("fetch pages", total=total // size) as step:

        def fetch(offset: int) -> bytes:
            query = [pair for pair in parse_qsl(address.query) if pair[0] not in ("offset", "limit")]
            query += [("limit", str(size)), ("offset", str(offset))]
            url = address._replace(query=urlencode(query)).geturl()
            data = fetch_bytes(url, settings, max_size=MOST_BYTES, client=client)
            step.advance()
            return data

        tasks = [functools.partial(fetch, offset) for offset in range(size, total, size)]
        return run_all(tasks, client, settings.threads)


def _advisory(item: tuple[str, dict[str, Any]], feed: str) -> Advisory:
    where, record = item
    try:
        name = fields.word(record, "id")
        entries: list[Affected] = []
        for package in fields.mappings(record, "packages"):
            for status in fields.mappings(package, "statuses"):
                entries += _affected(fields.word(package, "name"), status)
        return Advisory(
            id=name,
            feed=feed,
            details=fields.text(record, "description"),
            affected=tuple(entries),
            severity=_severity(record),
            urls=(f"https://ubuntu.com/security/{name}",),
            published=fields.time(record, "published"),
            modified=fields.time(record, "updated_at"),
        )
    except InputError as error:
        raise InputError(f"{where} is not a valid list of Ubuntu's CVEs: {error.brief}") from error


def _affected(name: str, row: Mapping[str, Any]) -> list[Affected]:
    """A fix that is for subscribers only is one there, and none for everybody else."""
    release = RELEASES.get(fields.word(row, "release_codename"), "")
    status, said = fields.word(row, "status"), fields.text(row, "description").strip()
    if not release or not name:
        return []
    ecosystem = ubuntu(release)
    if status == "released" and _VERSION.fullmatch(said):
        fixed = (Range(fixed=said),)
        if not fields.word(row, "pocket").startswith("esm"):
            return [Affected(ecosystem, name, fixed, fix_state="fixed", status=status)]
        return [
            Affected(ubuntu(release, pro=True), name, fixed, fix_state="fixed", status=status),
            Affected(ecosystem, name, (Range(),), fix_state="wont-fix", status="released (esm)"),
        ]
    state = _AFFECTED.get(status)
    return [
        Affected(ecosystem, name, (Range(),) if state else (), fix_state=state or "unknown", status=status)
    ]


def _severity(record: Mapping[str, Any]) -> Severity:
    word = fields.word(record, "priority")
    metric = fields.mapping(fields.mapping(record, "impact"), "baseMetricV3")
    vector = fields.word(fields.mapping(metric, "cvssV3"), "vectorString")
    return Severity(level_of(word), base_score(vector) or 0.0, vector, "ubuntu", word) if word else Severity()
