"""Which process is which: each holds the lowest free number, and gives it up by dying.

DBOS notes who runs a task under that number. A number that nobody holds belonged to a process that died, and what it left can be
taken over; one that is held belongs to a process that lives, and must be left alone.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from slipway.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection

MOST: Final = 64
_LOCK: Final = 0x511A5C  # the first half of the advisory locks; the second is the number


class Slots(Protocol):
    def take(self, number: int) -> bool:
        """Hold that number, unless somebody holds it."""
        ...

    def free(self, number: int) -> None: ...

    def close(self) -> None: ...


def slots_of(url: URL) -> Slots:
    if url.get_backend_name() == "sqlite":
        return FileSlots(Path(url.database or ""))
    return PostgresSlots(url)


def lowest(slots: Slots) -> int:
    """Hold the lowest number that is free."""
    for number in range(1, MOST + 1):
        if slots.take(number):
            return number
    raise StoreError(f"{MOST} processes work on this database already")


class FileSlots:
    """Locks of files beside the database."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._held: dict[int, int] = {}

    def take(self, number: int) -> bool:
        if number in self._held:
            return False
        path = self._database.with_name(f"{self._database.name}.{number}.lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path} cannot be locked: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._held[number] = descriptor
        return True

    def free(self, number: int) -> None:
        os.close(self._held.pop(number))

    def close(self) -> None:
        for number in list(self._held):
            self.free(number)


class PostgresSlots:
    """Advisory locks of one connection, which the server frees when the connection ends."""

    def __init__(self, url: URL) -> None:
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        self._connection: Connection | None = None
        self._held: set[int] = set()

    def take(self, number: int) -> bool:
        return number not in self._held and self._ask(number, "pg_try_advisory_lock")

    def free(self, number: int) -> None:
        self._held.discard(number)
        self._ask(number, "pg_advisory_unlock")

    def close(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.close()
        self._engine.dispose()

    def _ask(self, number: int, function: str) -> bool:
        query = sa.text(f"SELECT {function}({_LOCK}, {number})")
        try:
            if self._connection is None:
                self._connect()
            connection = self._connection
            done = connection is not None and bool(connection.execute(query).scalar())
        except SQLAlchemyError as error:
            if self._connection is not None:
                self._connection.invalidate()
                self._connection = None
            raise StoreError("the database does not answer") from error
        if done and function == "pg_try_advisory_lock":
            self._held.add(number)
        return done

    def _connect(self) -> None:
        """A new connection holds what the lost one did, unless others were faster: these are left to them."""
        self._connection = self._engine.connect()
        for number in sorted(self._held):
            self._connection.execute(sa.text(f"SELECT pg_try_advisory_lock({_LOCK}, {number})"))
