"""The tables of this feed in the database of advisories.

suite_state      a feed: its release, and when support for it ends
suite_index      the package indexes of a feed, by the hash of what was read
suite_binary     the newest version of each package in an index; where to get it only for those that may be fetched
suite_changelog  the newest version of a source, and which CVEs its versions repair
suite_support    sources without security support
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from slipway.scan.advisories.debian.changelog import Changelog, stored
from slipway.scan.advisories.debian.support import Unsupported

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from slipway.scan.advisories.debian.packages import Binary

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS suite_state (
    feed TEXT PRIMARY KEY, codename TEXT NOT NULL, ends TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS suite_index (
    number INTEGER PRIMARY KEY, feed TEXT NOT NULL, place TEXT NOT NULL, component TEXT NOT NULL, archive TEXT NOT NULL,
    sha256 TEXT NOT NULL, security INTEGER NOT NULL, UNIQUE (feed, place, component)
);
CREATE TABLE IF NOT EXISTS suite_binary (
    name TEXT NOT NULL, number INTEGER NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL, source_version TEXT NOT NULL,
    filename TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (name, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS suite_binary_of ON suite_binary (number);
CREATE TABLE IF NOT EXISTS suite_changelog (
    feed TEXT NOT NULL, source TEXT NOT NULL, version TEXT NOT NULL, oldest TEXT NOT NULL, entries TEXT NOT NULL,
    PRIMARY KEY (feed, source)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS suite_support (
    feed TEXT NOT NULL, place INTEGER NOT NULL, pattern TEXT NOT NULL, since TEXT NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (feed, place)
) WITHOUT ROWID;
"""
_AVAILABLE: Final = """
    SELECT b.name, b.version, b.source_version, i.place, i.security FROM suite_binary b
    JOIN suite_index i ON i.number = b.number WHERE i.feed = ? AND b.name IN ({})
"""
_CHANGELOGS: Final = (
    "SELECT source, version, oldest, entries FROM suite_changelog WHERE feed = ? AND source IN ({})"
)
_MANY: Final = 500  # values in one question


class IndexRow(NamedTuple):
    number: int
    place: str
    component: str
    archive: str
    sha256: str


class Available(NamedTuple):
    """A package as one of the suites has it."""

    name: str
    version: str
    source_version: str
    suite: str
    is_security: bool


def create(connection: sqlite3.Connection) -> None:
    """Within a transaction; what is there stays."""
    for statement in _TABLES.split(";"):  # not executescript: it would end the transaction
        connection.execute(statement)


# -- reading -----------------------------------------------------------------------------------------------------------


def ends(connection: sqlite3.Connection, feed: str) -> str | None:
    """The last day of the release's support (empty: not known); None when the feed has never been fetched."""
    found = connection.execute("SELECT ends FROM suite_state WHERE feed = ?", (feed,)).fetchone()
    return found[0] if found else None


def indexes(connection: sqlite3.Connection, feed: str) -> list[IndexRow]:
    rows = connection.execute(
        "SELECT number, place, component, archive, sha256 FROM suite_index WHERE feed = ?", (feed,)
    )
    return [IndexRow(*row) for row in rows]


def binaries(connection: sqlite3.Connection, number: int) -> list[tuple[str, str, str, str, str, int, str]]:
    """The packages of an index, as the fields of `Binary`; `filename` is empty where it was not kept."""
    return connection.execute(
        "SELECT name, version, source, source_version, filename, size, sha256 FROM suite_binary WHERE number = ?",
        (number,),
    ).fetchall()


def available(connection: sqlite3.Connection, feed: str, names: Collection[str]) -> Iterator[Available]:
    for some in _parts(names):
        rows = connection.execute(_AVAILABLE.format(_marks(some)), (feed, *some))
        yield from (Available(name, v, sv, place, bool(security)) for name, v, sv, place, security in rows)


def changelogs(connection: sqlite3.Connection, feed: str, sources: Collection[str]) -> dict[str, Changelog]:
    """By the name of the source."""
    found: dict[str, Changelog] = {}
    for some in _parts(sources):
        rows = connection.execute(_CHANGELOGS.format(_marks(some)), (feed, *some))
        found |= {source: stored(version, oldest, entries) for source, version, oldest, entries in rows}
    return found


def changelogs_of_release(connection: sqlite3.Connection, codename: str) -> dict[str, Changelog]:
    """Of all architectures: a version of a source has one changelog, whatever it was built for."""
    rows = connection.execute(
        "SELECT source, c.version, oldest, entries FROM suite_changelog c JOIN suite_state s ON s.feed = c.feed"
        " WHERE s.codename = ? ORDER BY c.feed",
        (codename,),
    )
    return {source: stored(version, oldest, entries) for source, version, oldest, entries in rows}


def unsupported(connection: sqlite3.Connection, feed: str) -> list[Unsupported]:
    rows = connection.execute(
        "SELECT pattern, since, why FROM suite_support WHERE feed = ? ORDER BY place", (feed,)
    )
    return [Unsupported(*row) for row in rows]


# -- writing, within a transaction -------------------------------------------------------------------------------------


def write_index(
    connection: sqlite3.Connection,
    feed: str,
    place: tuple[str, str, str, str],
    rows: Iterable[Binary],
    *,
    security: bool,
) -> None:
    """`place` is suite, component, the archive's URI, and the hash of the index."""
    number = connection.execute(
        "INSERT INTO suite_index (feed, place, component, archive, sha256, security) VALUES (?, ?, ?, ?, ?, ?)",
        (feed, *place, security),
    ).lastrowid
    connection.executemany(
        "INSERT INTO suite_binary (number, name, version, source, source_version, filename, size, sha256)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ((number, *row) for row in rows),
    )


def drop_index(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("DELETE FROM suite_binary WHERE number = ?", (number,))
    connection.execute("DELETE FROM suite_index WHERE number = ?", (number,))


def write_rest(
    connection: sqlite3.Connection,
    feed: str,
    codename: str,
    ends: str,
    changelogs: Mapping[str, Changelog],
    unsupported: Iterable[Unsupported],
) -> None:
    """All but the indexes."""
    connection.execute("INSERT OR REPLACE INTO suite_state VALUES (?, ?, ?)", (feed, codename, ends))
    connection.execute("DELETE FROM suite_changelog WHERE feed = ?", (feed,))
    connection.executemany(
        "INSERT INTO suite_changelog VALUES (?, ?, ?, ?, ?)",
        [(feed, source, c.version, c.oldest, c.written()) for source, c in sorted(changelogs.items())],
    )
    connection.execute("DELETE FROM suite_support WHERE feed = ?", (feed,))
    connection.executemany(
        "INSERT INTO suite_support VALUES (?, ?, ?, ?, ?)",
        [(feed, place, *row) for place, row in enumerate(unsupported)],
    )


def _parts(values: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _MANY):
        yield ordered[start : start + _MANY]


def _marks(values: Collection[str]) -> str:
    return ",".join("?" * len(values))
