"""Tasks on a few threads that share a way to other machines; the first failure ends them all."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from slipway.net import CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class Abortable(Protocol):
    """What tasks wait on, and can be told not to."""

    def abort(self) -> None: ...


_FAREWELL = 2.0  # seconds to wait for the other tasks when one failed


def run_all(tasks: Sequence[Callable[[], T]], client: Abortable | None, threads: int) -> list[T]:
    """What the tasks return, in their order; they start in it too.

    When one raises, or the waiting thread is interrupted, `client` is aborted, no more tasks start, and the
    error is raised as soon as the others gave up.
    """
    return _Crew(tasks, client).work(min(len(tasks), threads, CONNECTIONS))


class _Crew(Generic[T]):
    def __init__(self, tasks: Sequence[Callable[[], T]], client: Abortable | None) -> None:
        self._tasks = tasks
        self._client = client
        self._next = iter(range(len(tasks)))
        self._lock = threading.Lock()
        self._results: dict[int, T] = {}
        self._error: BaseException | None = None
        self._stopped = False

    def work(self, count: int) -> list[T]:
        threads: list[threading.Thread] = []
        try:
            for number in range(count):
                # a daemon: one that hangs in a name lookup must not hold up the end of the program
                thread = threading.Thread(target=self._run, daemon=True, name=f"fetch-{number}")
                thread.start()
                threads.append(thread)
            for thread in threads:
                while thread.is_alive() and not self._stopped:
                    thread.join(0.2)
        except BaseException:
            self._stop()
            raise
        finally:
            deadline = time.monotonic() + _FAREWELL
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        if self._error:
            raise self._error
        return [self._results[number] for number in range(len(self._tasks))]

    def _run(self) -> None:
        while not self._stopped:
            with self._lock:
                number = next(self._next, None)
            if number is None:
                return
            try:
                result = self._tasks[number]()
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                with self._lock:
                    self._error = self._error or error
                self._stop()
                return
            with self._lock:
                self._results[number] = result

    def _stop(self) -> None:
        self._stopped = True
        if self._client:
            self._client.abort()
