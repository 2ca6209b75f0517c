"""The number of the newest change: asked for with every request, so asked without ceremony."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from slipway.service.records.errors import DatabaseError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_TEXT: Final = "SELECT stamp FROM stamps WHERE kind = "


class Stamps:
    """One connection of the driver, past SQLAlchemy, whose own work takes thirty times as long as the answer of SQLite."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._cursor: Any = None
        self._connection: Any = None
        self._text = _TEXT + ("?" if engine.dialect.name == "sqlite" else "%s")

    def read(self, kind: str) -> int:
        """`DatabaseError` when the database does not answer, also not on a new connection."""
        with self._lock:
            try:
                return self._ask(kind)
            except Exception:  # noqa: BLE001 - the drivers have no error in common
                self._drop()
            try:
                return self._ask(kind)
            except (DBAPIError, SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
                self._drop()
                lines = str(error).strip().splitlines() or [""]
                raise DatabaseError(f"the database does not answer: {lines[0]}"[:300]) from error

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _ask(self, kind: str) -> int:
        if self._cursor is None:
            self._connection = self._engine.raw_connection()
            self._cursor = self._connection.cursor()
        self._cursor.execute(self._text, (kind,))
        return int(self._cursor.fetchone()[0])

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
        self._cursor = self._connection = None
