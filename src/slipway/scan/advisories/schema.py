"""The tables of the database of advisories, and how it is opened."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from slipway.errors import StoreError
from slipway.files import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION: Final = 1  # of the tables and of what rows mean; another one is not read
_APPLICATION: Final = 0x534C4144  # says in the file's header whose database it is
_PATIENCE: Final = 60.0  # seconds to wait for another writer

# `affected` lies in the order in which it is asked for: all about a package are neighbours.
_TABLES: Final = """
CREATE TABLE feed (
    name TEXT PRIMARY KEY, version TEXT NOT NULL, date TEXT NOT NULL, source TEXT NOT NULL, updated TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE cover (feed TEXT NOT NULL, ecosystem TEXT NOT NULL, PRIMARY KEY (feed, ecosystem)) WITHOUT ROWID;
CREATE TABLE advisory (
    number INTEGER PRIMARY KEY, feed TEXT NOT NULL, id TEXT NOT NULL, modified TEXT NOT NULL, mark BLOB NOT NULL,
    head TEXT NOT NULL, details BLOB NOT NULL, UNIQUE (feed, id)
);
CREATE TABLE name (name TEXT NOT NULL, advisory INTEGER NOT NULL, PRIMARY KEY (name, advisory)) WITHOUT ROWID;
CREATE INDEX name_of ON name (advisory);
CREATE TABLE affected (
    ecosystem TEXT NOT NULL, package TEXT NOT NULL, advisory INTEGER NOT NULL, place INTEGER NOT NULL,
    ranges TEXT NOT NULL, versions TEXT NOT NULL, rest TEXT NOT NULL,
    PRIMARY KEY (ecosystem, package, advisory, place)
) WITHOUT ROWID;
CREATE INDEX affected_by ON affected (advisory);
"""


@contextmanager
def troubles(path: Path) -> Iterator[None]:
    """What SQLite says of a damaged, foreign or locked file, as a `StoreError`."""
    try:
        with disk(path):
            yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreError(f"{path} is in use by another process") from error
        if "full" in str(error):
            raise StoreError(f"no space left on the disk that holds {path}") from error
        raise StoreError(f"cannot use {path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path} is damaged: {error}",
            hint="remove it and run `slipway advisories update` for the feeds that you use",
        ) from error


def open_to_write(path: Path) -> sqlite3.Connection:
    """Creates the database where there is none."""
    with troubles(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                _create(connection)
            connection.execute("COMMIT")
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """An empty database where there is none.

    Readers and a writer do not wait for each other, for which SQLite keeps files beside the database. Where it may not
    make them nobody writes either, and the file is read as it is.
    """
    with troubles(path):
        if not path.exists():
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            _create(connection)
            return connection
        address = f"file:{quote(str(path))}?mode=ro"
        try:
            return _opened(address, path)
        except sqlite3.OperationalError as error:
            if "unable to open" not in str(error) and "readonly" not in str(error):
                raise
            return _opened(f"{address}&immutable=1", path)


def _opened(address: str, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        _check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES.split(";"):  # not executescript: it would end the transaction
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != _APPLICATION:
        raise StoreError(f"{path} is not a database of advisories")
    if version != VERSION:
        age = "a newer" if version > VERSION else "an older"
        raise StoreError(
            f"{path} was written by {age} release (its format is {version}, this one's {VERSION})",
            hint="set SLIPWAY_CACHE to another directory, or remove the file and run `slipway advisories update` again",
        )
