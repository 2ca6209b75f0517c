"""Durable tasks with DBOS.

On PostgreSQL DBOS keeps its tables in the schema `dbos` of the same database. On SQLite they are in a file beside that of the records:
DBOS commits after each step, and in one file the writer of the records has to wait for each of these commits (tried with 300 deletions
under way: the longest wait of a write was 0.8 s in one file, 0.1 s in two).
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from slipway.errors import SlipwayError, StoreError
from slipway.service.tasks.model import Data, Seen, Status, Stopping
from slipway.service.tasks.slots import MOST, lowest, slots_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy.engine import URL, Engine

    from slipway.service.tasks.model import Run

_QUEUE: Final = "slipway"
# Tasks are taken up by whatever release runs: works have to understand what older ones left.
_VERSION: Final = "1"
_STATUS: Final[Mapping[str, Status]] = {
    "ENQUEUED": "waiting",
    "DELAYED": "waiting",
    "PENDING": "running",
    "SUCCESS": "done",
}
_UNFINISHED: Final = ["ENQUEUED", "DELAYED", "PENDING"]
_ATTEMPTS: Final = 1000  # so often may the process die during one task
_ONE: Final = threading.Lock()  # DBOS can be in a process but once


class Tasks:
    """`works` by name. `workers` tasks run at the same time, those of one `lane` one after the other, also of several processes.

    `StoreError` when the database cannot be used, or when the process has durable tasks already.
    """

    def __init__(
        self,
        url: URL,
        works: Mapping[str, Callable[[Run, Data], Data]],
        *,
        workers: int = 8,
        poll: float = 0.2,
    ) -> None:
        self._works = works
        self._stop = threading.Event()
        self._active = 0
        self._idle = threading.Condition()
        if not _ONE.acquire(blocking=False):
            raise StoreError("this process has durable tasks already")
        try:
            if url.get_backend_name() == "sqlite":
                url = url.set(database=f"{url.database}.tasks")
            self._engine = _engine(url)
            self._slots = slots_of(url)
            try:
                self._number = lowest(self._slots)
                self._launch(url, workers, poll)
            except BaseException:
                self._slots.close()
                raise
        except BaseException:
            _ONE.release()
            raise

    def add(self, task: str, lane: str, work: str, argument: Data) -> None:
        """Do that work some time. Nothing happens when there is a task of that id already."""
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        with _answering(), SetWorkflowID(task), SetEnqueueOptions(queue_partition_key=lane):
            DBOS.enqueue_workflow(_QUEUE, self._workflow, work, argument)

    def seen(self, prefix: str = "", *, unfinished: bool = False, limit: int | None = None) -> list[Seen]:
        """The tasks whose id begins so, the newest first."""
        from dbos import DBOS

        with _answering():
            found = DBOS.list_workflows(
                workflow_id_prefix=prefix or None,
                status=_UNFINISHED if unfinished else None,
                queue_name=_QUEUE,
                sort_desc=True,
                limit=limit,
                load_input=False,
            )
        return [_seen(each) for each in found]

    def steps(self, task: str) -> list[tuple[str, Data]]:
        """Name and result of each step that the task has done."""
        from dbos import DBOS

        with _answering():
            return [(each["function_name"], each["output"] or {}) for each in DBOS.list_workflow_steps(task)]

    def forget(self, before: int) -> int:
        """Remove tasks that ended before that time (microseconds since 1970), and return how many."""
        from datetime import UTC, datetime

        from dbos import DBOS

        ended = datetime.fromtimestamp(before / 1_000_000, UTC).isoformat()
        count = 0
        with _answering():
            while found := DBOS.list_workflows(
                completed_before=ended, queue_name=_QUEUE, limit=500, load_input=False, load_output=False
            ):
                DBOS.delete_workflows([each.workflow_id for each in found])
                count += len(found)
        return count

    def adopt(self) -> None:
        """Take over what processes left that died."""
        from dbos import DBOS

        with _answering():
            running = DBOS.list_workflows(status="PENDING", queue_name=_QUEUE, load_input=False)
        for number in sorted({int(each.executor_id or 0) for each in running} - {self._number}):
            if 0 < number <= MOST and self._slots.take(number):
                try:
                    DBOS._recover_pending_workflows([str(number)])  # noqa: SLF001 - what its own server calls
                finally:
                    self._slots.free(number)

    def close(self, grace: float = 10) -> None:
        """Tasks that run are left where they are, at the latest after `grace` seconds."""
        from dbos import DBOS

        self._stop.set()
        with self._idle:
            self._idle.wait_for(lambda: self._active == 0, grace)
        DBOS.destroy(destroy_registry=True)
        if self._engine is not None:
            self._engine.dispose()
        self._slots.close()
        _ONE.release()

    def _launch(self, url: URL, workers: int, poll: float) -> None:
        logger = logging.getLogger("dbos")
        if not logger.handlers:  # or DBOS would write to the console
            logger.addHandler(logging.NullHandler())
        from dbos import DBOS

        from slipway.service.tasks.serial import Json

        try:
            DBOS(
                config={
                    "name": "slipway",
                    "system_database_url": url.render_as_string(hide_password=False),
                    "system_database_engine": self._engine,
                    "application_version": _VERSION,
                    "executor_id": str(self._number),
                    "log_level": "WARNING",
                    "serializer": Json(),
                    "notification_listener_polling_interval_sec": poll,
                    "use_listen_notify": False,
                    "sys_db_pool_size": 2 * workers + 4,
                }
            )

            def task(work: str, argument: Data) -> Data:
                return self._run(work, argument)

            self._workflow = DBOS.workflow(name="task", max_recovery_attempts=_ATTEMPTS)(task)
            DBOS.launch()
            DBOS.register_queue(
                _QUEUE,
                worker_concurrency=workers,
                partition_concurrency=1,
                polling_interval_sec=poll,
                on_conflict="always_update",
            )
        except Exception as error:
            DBOS.destroy(destroy_registry=True)
            if self._engine is not None:
                self._engine.dispose()
            lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
            raise StoreError(f"the database of the tasks cannot be used: {lines[0]}"[:300]) from error

    def _run(self, work: str, argument: Data) -> Data:
        with self._idle:
            self._active += 1
        try:
            return self._works[work](_Run(self._stop), argument)
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()


@contextmanager
def _answering() -> Iterator[None]:
    """`StoreError` for what DBOS and the drivers raise: they have no error in common."""
    try:
        yield
    except SlipwayError:
        raise
    except Exception as error:
        lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
        raise StoreError(f"the database of the tasks does not answer: {lines[0]}"[:300]) from error


class _Run:
    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def step(self, name: str, work: Callable[[], Data]) -> Data:
        from dbos import DBOS

        if self._stop.is_set():
            raise Stopping
        return DBOS.run_step({"name": name}, work)

    def pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopping


def _engine(url: URL) -> Engine | None:
    """For SQLite one of ours; None lets DBOS make one."""
    if url.get_backend_name() != "sqlite":
        return None
    engine = sa.create_engine(url, pool_size=8, max_overflow=24)
    sa.event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = "IMMEDIATE"  # as DBOS does it
    # A task that the disk forgot is made anew from what was decided, or does its last step again: no commit waits for the disk.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _seen(found: Any) -> Seen:
    result = found.output if isinstance(found.output, dict) else {}
    status = _STATUS.get(found.status, "failed")
    problem = str(found.error or "") or ("" if status != "failed" else found.status.lower())
    return Seen(
        found.workflow_id,
        status,
        int(found.created_at or 0) * 1000,
        int(found.completed_at or 0) * 1000,
        result,
        problem,
    )
