"""Savepoints without ceremony: there are two around most changes, and SQLAlchemy's own took most of the time of a write."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

# One inside another may have the same name: the innermost is meant.
_BEGIN: Final = "SAVEPOINT work"
_UNDO: Final = "ROLLBACK TO SAVEPOINT work"
_END: Final = "RELEASE SAVEPOINT work"


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """What the block has changed is undone when it raises anything."""
    connection.exec_driver_sql(_BEGIN)
    try:
        yield
    except BaseException:
        connection.exec_driver_sql(_UNDO)
        connection.exec_driver_sql(_END)
        raise
    connection.exec_driver_sql(_END)
