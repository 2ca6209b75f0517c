"""Advisories in OSV's format (OSV schema 1.7, ossf.github.io/osv-schema), read and written.

Of ranges those of type GIT are left out: nobody can tell from a package which commits are in it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.advisories import fields, osvseverity
from slipway.scan.model import Advisory, Affected, Range
from slipway.scan.versions import IncomparableError, compare, scheme_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA: Final = "1.7.0"  # what we write

_RUNS = pattern(r"[-_.]+")
_EVENTS: Final = ("introduced", "fixed", "last_affected")
# Bulletins of distributions, which older exports of OSV connect with their CVEs as no more than related.
_BULLETIN = pattern(
    r"(?:DSA|DLA|USN|RHSA|RHBA|RHEA|RLSA|RXSA|ALSA|ALBA|ALEA|ELSA|SUSE-[A-Z]U|openSUSE-SU|MGASA|PHSA|OESA|GLSA|ALAS\w*)-"
)


def is_bulletin(name: str) -> bool:
    """Whether this is a distribution's notice of an update: about one or many weaknesses, and the name of none."""
    return bool(_BULLETIN.match(name))


def is_advisory(record: object) -> bool:
    return isinstance(record, dict) and "id" in record and ("modified" in record or "affected" in record)


def read(record: Mapping[str, Any], feed: str) -> Advisory:
    """`InputError` when a field is not what the schema says."""
    name = fields.word(record, "id")
    if not name:
        raise InputError("it has no id")
    aliases = tuple(a for a in fields.words(record, "aliases") if a != name)
    upstream = fields.words(record, "upstream")
    if not upstream and is_bulletin(name):
        # schema 1.7 forbids bulletins aliases; those that have them mean the same
        upstream = tuple(
            dict.fromkeys(a for a in (*aliases, *fields.words(record, "related")) if a.startswith("CVE-"))
        )
        aliases = tuple(a for a in aliases if a not in upstream)
    return Advisory(
        id=name,
        feed=feed,
        aliases=aliases,
        upstream=upstream,
        summary=fields.text(record, "summary"),
        details=fields.text(record, "details"),
        affected=tuple(
            entry
            for row in fields.mappings(record, "affected")
            if (entry := _affected(row, name)) is not None
        ),
        severity=osvseverity.of_advisory(record, name),
        urls=tuple(url for row in fields.mappings(record, "references") if (url := fields.word(row, "url"))),
        published=fields.time(record, "published"),
        modified=fields.time(record, "modified"),
        withdrawn=fields.time(record, "withdrawn"),
    )


def package_name(ecosystem: str, name: str) -> str:
    """The name in the form in which it is kept: PyPI's are normalised (PyPA specifications: name normalization)."""
    return _RUNS.sub("-", name).lower() if ecosystem == "PyPI" else name


def _affected(row: dict[str, Any], advisory: str) -> Affected | None:
    """None for what names no package: a repository."""
    package = fields.mapping(row, "package")
    ecosystem, name = fields.word(package, "ecosystem"), fields.word(package, "name")
    if not ecosystem or not name:
        return None
    spans: list[Range] = []
    for item in fields.mappings(row, "ranges"):
        if item.get("type") in ("ECOSYSTEM", "SEMVER"):
            spans += _spans(fields.mappings(item, "events"), scheme_of(ecosystem))
    return Affected(
        ecosystem,
        package_name(ecosystem, name),
        tuple(dict.fromkeys(spans)),
        tuple(dict.fromkeys(fields.words(row, "versions"))),
        osvseverity.of_package(row, advisory),
    )


def _spans(events: list[dict[str, Any]], scheme: str) -> list[Range]:
    """The timeline of events as ranges. In an order that we do not know, events are taken as they are written."""
    found = [(kind, fields.word(event, kind)) for event in events for kind in _EVENTS if event.get(kind)]

    def earlier(one: tuple[str, str], other: tuple[str, str]) -> int:
        first, second = (_bound(*event) for event in (one, other))
        return (
            int(bool(first)) - int(bool(second))
            if not first or not second
            else compare(scheme, first, second)
        )

    with suppress(IncomparableError):
        found.sort(key=cmp_to_key(earlier))
    spans: list[Range] = []
    start: str | None = None
    for kind, version in found:
        if kind == "introduced":
            start = _bound(kind, version) if start is None else start
        elif start is not None:
            spans.append(Range(start, **{kind: version}))
            start = None
    return spans if start is None else [*spans, Range(start)]


def _bound(kind: str, version: str) -> str:
    """`introduced: 0` comes before all versions, even before a version 0."""
    return "" if kind == "introduced" and version == "0" else version


# -- writing -----------------------------------------------------------------------------------------------------


def written(advisory: Advisory) -> dict[str, Any]:
    """As a document. The ranges of a package are one timeline, as some readers look at the first range only."""
    record: dict[str, Any] = {
        "schema_version": SCHEMA,
        "id": advisory.id,
        "modified": advisory.modified or advisory.published or "1970-01-01T00:00:00Z",
        "published": advisory.published,
        "withdrawn": advisory.withdrawn,
        "aliases": list(advisory.aliases),
        "upstream": list(advisory.upstream),
        "summary": advisory.summary,
        "details": advisory.details,
        "severity": osvseverity.written(advisory.severity),
        "affected": [_written(entry) for entry in advisory.affected if entry.ranges or entry.versions],
        "references": [{"type": "WEB", "url": url} for url in advisory.urls],
    }
    word = advisory.severity.original
    record["database_specific"] = {"severity": word} if word else {}
    return {key: value for key, value in record.items() if value or key == "affected"}


def _written(entry: Affected) -> dict[str, Any]:
    kind = "SEMVER" if scheme_of(entry.ecosystem) == "semver" else "ECOSYSTEM"
    record: dict[str, Any] = {"package": {"ecosystem": entry.ecosystem, "name": entry.name}}
    if entry.ranges:
        record["ranges"] = [{"type": kind, "events": _events(entry.ranges)}]
    if entry.versions:
        record["versions"] = list(entry.versions)
    if entry.severity.original:
        record["ecosystem_specific"] = {"severity": entry.severity.original}
    return record


def _events(ranges: Sequence[Range]) -> list[dict[str, str]]:
    events = []
    for span in ranges:
        events.append({"introduced": span.introduced or "0"})
        if span.fixed:
            events.append({"fixed": span.fixed})
        elif span.last_affected:
            events.append({"last_affected": span.last_affected})
    return events
