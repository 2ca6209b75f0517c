"""Connections to the database that an address names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from slipway.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

# Every commit reaches the disk before it is acknowledged; readers never wait for the writer.
_SQLITE: Final = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000")


def address(text: str) -> URL:
    """`sqlite:///PATH` or `postgresql://USER@HOST/NAME`; `UsageError` for others. The text may hold a password: it is never shown."""
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise UsageError("the address of the database cannot be read", hint=_HINT) from None
    kind = url.get_backend_name()
    if kind == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    if kind == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise UsageError(f"there is no support for databases of the kind {kind!r}", hint=_HINT)


_HINT: Final = "write sqlite:///PATH or postgresql://USER@HOST/NAME"


def connect(url: URL, *, writer: bool) -> Engine:
    """An engine for the one writer (a single connection), or for readers."""
    if url.get_backend_name() == "sqlite":
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url, pool_size=1 if writer else 8, max_overflow=0 if writer else 24)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin_writing if writer else _begin_reading)
        return engine
    isolation = "READ COMMITTED" if writer else "AUTOCOMMIT"
    return sa.create_engine(
        url,
        pool_size=1 if writer else 8,
        max_overflow=0 if writer else 8,
        pool_pre_ping=True,
        isolation_level=isolation,
    )


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver's own transactions know no savepoints
    for pragma in _SQLITE:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
