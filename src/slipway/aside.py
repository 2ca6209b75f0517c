"""One thing done in a thread while another goes on, without the pools of `concurrent.futures`, whose import costs 4 ms."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

__all__ = ["aside"]


def aside(task: Callable[[], T]) -> Callable[[], T]:
    """Begin `task`; the answer waits for its end and gives its result, or raises its error. May be asked again."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(task())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            errors.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()

    def wait() -> T:
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    return wait
