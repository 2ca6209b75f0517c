"""The database of advisories: all feeds in one SQLite file, by which scanning needs no network.

Readers see the state from when they opened it. A feed is replaced in one transaction: who is killed while writing leaves the
old data, and two writers wait for each other.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

from slipway.scan.advisories import rows
from slipway.scan.advisories.schema import open_to_read, open_to_write, troubles
from slipway.scan.model import Advisory, Affected, Feed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from slipway.scan.advisories.plug import Change
    from slipway.settings import Settings

_MANY = 500  # values in one question: SQLite takes more, and gains nothing
_AFFECTED = """
    SELECT advisory, ecosystem, package, ranges, versions, rest FROM affected
    WHERE ecosystem = ? AND package IN ({}) ORDER BY package, advisory, place
"""
_ADVISORIES = "SELECT number, feed, id, modified, head, details FROM advisory WHERE number IN ({})"


class Kept(NamedTuple):
    """A feed as it is in the database: where it came from (`source`, empty: its own place), and how many it holds."""

    feed: Feed
    source: str
    updated: str
    advisories: int
    ecosystems: tuple[str, ...]


class AdvisoryStore:
    """Open it in `with`. `connection` is for feeds that keep tables of their own in the same file."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        self.connection: sqlite3.Connection = open_to_write(path) if write else open_to_read(path)
        if not write:
            with troubles(path):
                self.connection.execute("BEGIN")

    @classmethod
    def of(cls, settings: Settings, *, write: bool = False) -> Self:
        return cls(settings.cache / "advisories" / "advisories.db", write=write)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    # -- reading -------------------------------------------------------------------------------------------------

    def feeds(self) -> tuple[Feed, ...]:
        """All feeds, by name."""
        with troubles(self.path):
            found = self.connection.execute("SELECT name, version, date FROM feed ORDER BY name")
            return tuple(Feed(*row) for row in found)

    def kept(self) -> tuple[Kept, ...]:
        """All feeds with what there is to be told of them, by name."""
        with troubles(self.path):
            return tuple(
                Kept(Feed(name, version, date), source, updated, count, self._covered(name))
                for name, version, date, source, updated, count in self.connection.execute(
                    "SELECT f.name, f.version, f.date, f.source, f.updated,"
                    " (SELECT count(*) FROM advisory a WHERE a.feed = f.name) FROM feed f ORDER BY f.name"
                )
            )

    def covers(self) -> dict[str, tuple[str, ...]]:
        """The names of the feeds that speak of an ecosystem, by its name."""
        found: dict[str, list[str]] = {}
        with troubles(self.path):
            for ecosystem, feed in self.connection.execute(
                "SELECT ecosystem, feed FROM cover ORDER BY ecosystem, feed"
            ):
                found.setdefault(ecosystem, []).append(feed)
        return {ecosystem: tuple(feeds) for ecosystem, feeds in found.items()}

    def affected(self, ecosystem: str, names: Collection[str]) -> Iterator[tuple[int, Affected]]:
        """What is said of these packages, with the number by which `advisories` gives the rest; withdrawn ones too."""
        wanted = sorted(set(names))
        with troubles(self.path):
            for start in range(0, len(wanted), _MANY):
                some = wanted[start : start + _MANY]
                question = _AFFECTED.format(_marks(some))
                for number, *row in self.connection.execute(question, (ecosystem, *some)):
                    yield number, rows.affected(*row)

    def advisories(self, numbers: Collection[int], *, whole: bool = False) -> dict[int, Advisory]:
        """By number; `affected` of them is left out unless `whole`."""
        wanted = sorted(set(numbers))
        found: dict[int, Advisory] = {}
        with troubles(self.path):
            for start in range(0, len(wanted), _MANY):
                some = wanted[start : start + _MANY]
                question = _ADVISORIES.format(_marks(some))
                for number, feed, name, modified, head, details in self.connection.execute(question, some):
                    entries = self._entries(number) if whole else ()
                    found[number] = rows.advisory(feed, name, modified, head, details, entries)
        return found

    def about(self, ecosystem: str, names: Collection[str]) -> Iterable[Advisory]:
        """The advisories that speak of any of these packages, sorted by id; withdrawn ones are left out."""
        numbers = {number for number, _ in self.affected(ecosystem, names)}
        found = (a for a in self.advisories(numbers, whole=True).values() if not a.withdrawn)
        return sorted(found, key=lambda a: (a.id, a.feed))

    def by_id(self, name: str) -> tuple[Advisory, ...]:
        """All advisories of this name, or that give it as an alias or as what they are about; those named so first."""
        with troubles(self.path):
            numbers = [
                n for (n,) in self.connection.execute("SELECT advisory FROM name WHERE name = ?", (name,))
            ]
        found = self.advisories(numbers, whole=True).values()
        return tuple(sorted(found, key=lambda a: (a.id != name, a.id, a.feed)))

    def modified(self, feed: str) -> dict[str, str]:
        """When each advisory of a feed was modified last, by its id."""
        with troubles(self.path):
            return dict(self.connection.execute("SELECT id, modified FROM advisory WHERE feed = ?", (feed,)))

    def _covered(self, feed: str) -> tuple[str, ...]:
        found = self.connection.execute("SELECT ecosystem FROM cover WHERE feed = ? ORDER BY 1", (feed,))
        return tuple(name for (name,) in found)

    def _entries(self, number: int) -> tuple[Affected, ...]:
        found = self.connection.execute(
            "SELECT ecosystem, package, ranges, versions, rest FROM affected WHERE advisory = ? ORDER BY place",
            (number,),
        )
        return tuple(rows.affected(*row) for row in found)

    # -- writing -------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all that is written in it, or nothing."""
        with troubles(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                if self.connection.in_transaction:  # SQLite itself ends it when the disk is full
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def note(self, feed: Feed, ecosystems: Iterable[str], *, source: str = "", updated: str = "") -> None:
        """Within a transaction: this feed is now there and speaks of these ecosystems."""
        write = self.connection.execute
        write(
            "INSERT OR REPLACE INTO feed (name, version, date, source, updated) VALUES (?, ?, ?, ?, ?)",
            (feed.name, feed.version, feed.date, source, updated),
        )
        write("DELETE FROM cover WHERE feed = ?", (feed.name,))
        self.connection.executemany(
            "INSERT INTO cover (feed, ecosystem) VALUES (?, ?)",
            [(feed.name, name) for name in sorted(set(ecosystems))],
        )

    def put(
        self,
        feed: Feed,
        advisories: Iterable[Advisory],
        *,
        keep: Collection[str] = (),
        source: str = "",
        updated: str = "",
    ) -> Change:
        """Make `advisories` all that the feed says, but for the ids in `keep`, which stay as they are.

        Only what is different is written. Of several with one id the one modified last counts. A feed without a date gets
        that of its newest advisory.
        """
        from slipway.scan.advisories.replace import replace_feed

        with self.writing() as connection:
            return replace_feed(self, connection, feed, advisories, keep=keep, source=source, updated=updated)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
