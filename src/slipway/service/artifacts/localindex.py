"""Which object is which blob, in a local storage: SQLite, so that several processes may use one storage."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.service.artifacts.model import ArtifactError, Stat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified INTEGER NOT NULL, content_type TEXT NOT NULL, md5 TEXT NOT NULL, sha256 TEXT NOT NULL,
    metadata TEXT NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_blob ON objects (sha256);
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, content_type TEXT NOT NULL,
    metadata TEXT NOT NULL, begun INTEGER NOT NULL) WITHOUT ROWID;
"""
_COLUMNS: Final = "bucket, key, size, etag, modified, content_type, md5, sha256, metadata"


class Index:
    """All methods may be called from any thread; each thread has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._connection().executescript(_TABLES)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other process writes during; on the disk when it ends without an error."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise ArtifactError(f"the index of the storage: {error}", again=True) from error

    def get(self, bucket: str, key: str) -> Stat | None:
        found = list(self._select("bucket = ? AND key = ?", (bucket, key)))
        return found[0] if found else None

    def walk(self, bucket: str, prefix: str, after: str = "") -> Iterator[Stat]:
        """By key, read in pieces: nothing is locked while the caller works."""
        last = after
        while True:
            found = self._select(
                "bucket = ? AND key > ? AND substr(key, 1, ?) = ? ORDER BY key LIMIT 1000",
                (bucket, last, len(prefix), prefix),
            )
            yield from found
            if len(found) < 1000:
                return
            last = found[-1].key

    def rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """In the thread's own transaction, if it has one."""
        try:
            return self._connection().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise ArtifactError(f"the index of the storage: {error}", again=True) from error

    def close(self) -> None:
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    def _select(self, where: str, values: tuple[object, ...]) -> list[Stat]:
        rows = self.rows(f"SELECT {_COLUMNS} FROM objects WHERE {where}", values)  # noqa: S608 - no foreign text
        return [replace(Stat(*row[:-1]), metadata=json.loads(row[-1])) for row in rows]

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = sqlite3.connect(
                    self._path, timeout=30, isolation_level=None, check_same_thread=False
                )
                connection.execute("PRAGMA journal_mode=WAL").close()
                connection.execute("PRAGMA synchronous=FULL").close()
            except sqlite3.Error as error:
                raise ArtifactError(f"the index of the storage cannot be opened: {error}") from error
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection


def insert(connection: sqlite3.Connection, stat: Stat) -> None:
    """In the place of what had that name before."""
    connection.execute(
        f"INSERT OR REPLACE INTO objects ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            stat.bucket,
            stat.key,
            stat.size,
            stat.etag,
            stat.modified,
            stat.content_type,
            stat.md5,
            stat.sha256,
            json.dumps(stat.metadata, sort_keys=True),
        ),
    )
