"""Feeds and advisories as text and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.cli.text import columns, plural, printable, table
from slipway.scan.advisories.plug import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.cli.text import Paint
    from slipway.scan.advisories.plug import Change
    from slipway.scan.advisories.store import Kept
    from slipway.scan.model import Advisory, Affected, Severity


def changes(found: Sequence[Change]) -> str:
    return "\n".join(
        f"{change.feed.name}: {plural(change.total, 'advisory', 'advisories')}"
        f" ({change.added} new, {change.changed} changed, {change.removed} gone)"
        for change in found
    )


def changes_data(found: Sequence[Change]) -> dict[str, Any]:
    rows = [
        {
            "feed": c.feed.name,
            "date": c.feed.date,
            "advisories": c.total,
            "added": c.added,
            "changed": c.changed,
            "removed": c.removed,
        }
        for c in found
    ]
    return {"feeds": rows}


def kept(found: Sequence[Kept], paint: Paint) -> str:
    rows = [
        (
            printable(row.feed.name),
            str(row.advisories),
            row.feed.date[:10],
            row.updated[:10],
            printable(row.source) or "its own place",
        )
        for row in found
    ]
    here = table(("FEED", "ADVISORIES", "DATE", "UPDATED", "FROM"), rows, paint, right=(1,))
    kinds = columns([(f"  {name}", summary) for name, (_, summary) in KINDS.items()])
    return "\n".join([here if rows else "no feeds yet", "", "kinds of feeds:", *kinds])


def kept_data(found: Sequence[Kept]) -> dict[str, Any]:
    rows = [
        {
            "feed": row.feed.name,
            "advisories": row.advisories,
            "date": row.feed.date,
            "updated": row.updated,
            "source": row.source,
            "ecosystems": list(row.ecosystems),
        }
        for row in found
    ]
    return {"feeds": rows, "kinds": {name: summary for name, (_, summary) in KINDS.items()}}


def show(found: Sequence[Advisory], paint: Paint) -> str:
    return "\n\n".join(_advisory(advisory, paint) for advisory in found)


def _advisory(advisory: Advisory, paint: Paint) -> str:
    facts = [
        ("feed", advisory.feed),
        ("also", ", ".join(advisory.aliases)),
        ("about", ", ".join(advisory.upstream)),
        ("severity", _severity(advisory.severity)),
        ("published", advisory.published[:10]),
        ("modified", advisory.modified[:10]),
        ("withdrawn", advisory.withdrawn[:10]),
    ]
    lines = [f"{paint(printable(advisory.id), 'bold')}  {printable(advisory.summary)}".rstrip()]
    lines += [f"  {line}" for line in columns([(name, printable(text)) for name, text in facts if text])]
    rows = [(e.ecosystem, e.name, _versions(e), e.status or _severity(e.severity)) for e in advisory.affected]
    if rows:
        lines += ["", *(f"  {printable(line)}" for line in columns(rows))]
    if advisory.details:
        lines += ["", *(f"  {line}".rstrip() for line in printable(advisory.details).strip().splitlines())]
    return "\n".join(
        [*lines, *(["", *(f"  {printable(url)}" for url in advisory.urls)] if advisory.urls else [])]
    )


def _severity(severity: Severity) -> str:
    if not severity.level and not severity.vector:
        return ""
    said = [text for text in (severity.origin, severity.original, severity.vector) if text]
    return f"{severity.level} ({', '.join(said)})" if said else str(severity.level)


def _versions(entry: Affected) -> str:
    """`1.0 <= x < 1.5`, each range; else how many versions are named."""
    spans = []
    for span in entry.ranges:
        start = f"{span.introduced} <= " if span.introduced else ""
        end = f" < {span.fixed}" if span.fixed else f" <= {span.last_affected}" if span.last_affected else ""
        spans.append(f"{start}x{end}" if start or end else "all versions")
    if not spans and entry.versions:
        return plural(len(entry.versions), "version")
    return ", ".join(spans) or "not affected"
