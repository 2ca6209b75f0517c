"""A feed's advisories in the database replaced by new ones: only what is different is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.scan.advisories import rows
from slipway.scan.advisories.plug import Change

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import Advisory, Feed

_TABLES = (("affected", "advisory"), ("name", "advisory"), ("advisory", "number"))


def replace_feed(
    store: AdvisoryStore,
    connection: sqlite3.Connection,
    feed: Feed,
    advisories: Iterable[Advisory],
    *,
    keep: Collection[str],
    source: str,
    updated: str,
) -> Change:
    """Within a transaction."""
    known: dict[str, tuple[int, bytes]] = {
        name: (number, mark)
        for name, number, mark in connection.execute(
            "SELECT id, number, mark FROM advisory WHERE feed = ?", (feed.name,)
        )
    }
    seen: dict[str, str] = {}
    added = changed = 0
    for advisory in advisories:
        if advisory.modified <= seen.get(advisory.id, "") and advisory.id in seen:
            continue
        again = advisory.id in seen
        seen[advisory.id] = advisory.modified
        row = rows.packed(advisory)
        before = known.get(advisory.id)
        if before and before[1] == row.mark:
            continue
        if before:
            _remove(connection, before[0])
        known[advisory.id] = (_insert(connection, feed.name, advisory, row), row.mark)
        if before is None:
            added += 1
        elif not again:
            changed += 1
    stays = seen.keys() | set(keep)
    gone = [number for name, (number, _) in known.items() if name not in stays]
    for number in gone:
        _remove(connection, number)
    if not feed.date:
        newest = "SELECT coalesce(max(modified), '') FROM advisory WHERE feed = ?"
        feed = replace(feed, date=connection.execute(newest, (feed.name,)).fetchone()[0])
    store.note(feed, _ecosystems(connection, feed), source=source, updated=updated)
    return Change(feed, len(known) - len(gone), added, changed, len(gone))


def _insert(connection: sqlite3.Connection, feed: str, advisory: Advisory, row: rows.AdvisoryRow) -> int:
    number = (
        connection.execute(
            "INSERT INTO advisory (feed, id, modified, mark, head, details) VALUES (?, ?, ?, ?, ?, ?)",
            (feed, row.id, row.modified, row.mark, row.head, row.details),
        ).lastrowid
        or 0
    )
    names = dict.fromkeys((advisory.id, *advisory.aliases, *advisory.upstream))
    connection.executemany("INSERT INTO name (name, advisory) VALUES (?, ?)", [(n, number) for n in names])
    connection.executemany(
        "INSERT INTO affected (ecosystem, package, ranges, versions, rest, advisory, place)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*entry, number, place) for place, entry in enumerate(row.affected)],
    )
    return number


def _remove(connection: sqlite3.Connection, number: int) -> None:
    for table, column in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))  # noqa: S608 - our own names


def _ecosystems(connection: sqlite3.Connection, feed: Feed) -> list[str]:
    """Those that it covers. One that is named after an ecosystem (`osv:PyPI`) has only part of what is said of others."""
    found = [
        name
        for (name,) in connection.execute(
            "SELECT DISTINCT f.ecosystem FROM advisory a JOIN affected f ON f.advisory = a.number WHERE a.feed = ?",
            (feed.name,),
        )
    ]
    label = feed.name.partition(":")[2]
    own = [name for name in found if name == label or name.startswith(f"{label}:")]
    return own if label and own else found
