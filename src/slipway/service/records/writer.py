"""The one writer of a process: works that come at the same time share a transaction, and so a wait for the disk."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa

from slipway.service.records.errors import DatabaseError
from slipway.service.records.savepoints import savepoint
from slipway.service.records.tables import events, stamps
from slipway.service.records.tx import Tx

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine

    from slipway.service.model import Event

T = TypeVar("T")
Work = tuple["Callable[[Tx], Any]", "Future[Any]"]
_MOST: Final = 256  # works in one transaction: none waits long for the others


class Writer:
    """`clock` gives seconds since 1970."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="records-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Tx], T]) -> Future[T]:
        """Run the work in a transaction. The future is done when the result is on the disk, or nothing of it is there."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise DatabaseError("the database is closed")
            self._queue.put((work, future))
        return future

    def close(self) -> None:
        """After all that was submitted is done."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()
        self._engine.dispose()

    def _serve(self) -> None:
        last = False
        while not last:
            batch: list[Work] = []
            item = self._queue.get()
            while True:
                if item is None:
                    last = True
                    break
                if item[1].set_running_or_notify_cancel():
                    batch.append(item)
                if len(batch) == _MOST:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self._run(batch)

    def _run(self, batch: list[Work]) -> None:
        done: list[tuple[Future[Any], Any, Exception | None]] = []
        committing = False
        try:
            with self._engine.connect() as connection, connection.begin() as transaction:
                self._work(connection, batch, done)
                committing = True
                transaction.commit()
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to those who wait
            if len(batch) > 1 and not committing:
                # one of them asked for what the database refuses: the others shall not suffer from it
                for item in batch:
                    self._run([item])
                return
            for _, future in batch:
                future.set_exception(_failure(error))
            return
        for future, result, problem in done:
            if problem is not None:
                future.set_exception(problem)
            else:
                future.set_result(result)

    def _work(
        self,
        connection: Connection,
        batch: list[Work],
        done: list[tuple[Future[Any], Any, Exception | None]],
    ) -> None:
        stamp = _lock(connection)
        recorded: list[Event] = []
        for work, future in batch:
            tx = Tx(connection, stamp, int(self._clock() * 1_000_000))
            try:
                with savepoint(connection):
                    result = work(tx)
            except sa.exc.DBAPIError:
                raise
            except Exception as error:  # noqa: BLE001 - it is the caller's, and goes to them
                done.append((future, None, error))
            else:
                done.append((future, result, None))
                recorded += tx.events
                stamp = tx.stamp
        _record(connection, recorded)


def _lock(connection: Connection) -> int:
    """The number of the last change. From here on no other process can write before this transaction ends."""
    query = sa.select(stamps.c.stamp).where(stamps.c.kind == "").with_for_update()
    return int(connection.execute(query).scalar_one())


def _record(connection: Connection, recorded: list[Event]) -> None:
    if not recorded:
        return
    newest: dict[str, int] = {event.kind: event.stamp for event in recorded}
    newest[""] = recorded[-1].stamp
    connection.execute(
        sa.insert(events),
        [{name: getattr(event, name) for name in event.__slots__} for event in recorded],
    )
    for kind, stamp in newest.items():
        connection.execute(sa.update(stamps).where(stamps.c.kind == kind), {"stamp": stamp})


def _failure(error: Exception) -> DatabaseError:
    """In one line, without the statement and its values: these may be anybody's."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    failure = DatabaseError(f"the database refused: {lines[0][:200]}")
    failure.__cause__ = error
    return failure
