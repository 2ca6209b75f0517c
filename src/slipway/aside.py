"""One thing done in a thread while another goes on, without the pools of `concurrent.futures`, whose import costs 4 ms."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

__all__ = ["aside", "beside"]


def aside(task: Callable[[], T]) -> Callable[[], T]:
    """Begin `task`; the answer waits for its end and gives its result, or raises its error. May be asked again."""
    return _begun(task)[1]


@contextmanager
def beside(task: Callable[[], T], end: Callable[[], object]) -> Iterator[Callable[[], T]]:
    """As `aside`, for the time of the block, which waits for the end of `task`. An error that leaves the block calls `end`, on which `task` gives up."""
    over, wait = _begun(task)
    try:
        yield wait
    except BaseException:
        end()
        raise
    finally:
        over.wait()


def _begun(task: Callable[[], T]) -> tuple[Event, Callable[[], T]]:
    over = Event()  # a join that was interrupted takes the thread for ended ever after
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(task())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            errors.append(error)
        finally:
            over.set()

    Thread(target=work, daemon=True).start()

    def wait() -> T:
        over.wait()
        if errors:
            raise errors[0]
        return results[0]

    return over, wait
