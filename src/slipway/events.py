"""How the library says what it is doing: events, never prints.

Code that does work takes a `Reporter` and calls `step`, `note` and `log`; a face gives it a sink that turns
events into bars, plain lines or JSON lines. Sinks are called one at a time (the reporter holds a lock), from
whatever thread the work runs on, so they must not block for long.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Literal, Self

from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


@value
class StepBegan:
    """A piece of work started. `total` is its size in `unit` (0: not known)."""

    id: int
    name: str
    detail: str = ""
    total: int = 0
    unit: Literal["bytes", "items"] = "items"


@value
class StepMoved:
    """Progress of a step: `done` of `total` (0: not known)."""

    id: int
    done: int
    total: int = 0


@value
class StepEnded:
    """A piece of work ended after `seconds`; `ok` is False when an error left it."""

    id: int
    name: str
    seconds: float
    ok: bool = True
    detail: str = ""


@value
class Note:
    """Something a person should read. `warning` means the result may not be what they expect."""

    text: str
    level: Literal["info", "warning"] = "info"


@value
class Log:
    """A line of detail, shown when asked for (`--verbose`)."""

    text: str


Event = StepBegan | StepMoved | StepEnded | Note | Log


class Step:
    """A running step; use as a context manager."""

    def __init__(self, reporter: Reporter, began: StepBegan) -> None:
        self._reporter = reporter
        self._began = began
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self.done = 0
        self.total = began.total
        self.detail = ""

    def advance(self, amount: int = 1) -> None:
        with self._lock:
            self.done += amount
            moved = StepMoved(self._began.id, self.done, self.total)
        self._reporter.send(moved)

    def __enter__(self) -> Self:
        self._reporter.send(self._began)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.monotonic() - self._start
        self._reporter.send(StepEnded(self._began.id, self._began.name, seconds, kind is None, self.detail))


class Reporter:
    """Where work reports to. `Reporter()` is silent."""

    def __init__(self, sink: Callable[[Event], None] | None = None) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._ids = itertools.count(1)

    def send(self, event: Event) -> None:
        with self._lock:
            if self._sink is not None:
                self._sink(event)

    def close(self) -> None:
        """Be silent from now on: threads that were given up may still have something to say."""
        with self._lock:
            self._sink = None

    def step(
        self, name: str, detail: str = "", *, total: int = 0, unit: Literal["bytes", "items"] = "items"
    ) -> Step:
        return Step(self, StepBegan(next(self._ids), name, detail, total, unit))

    def note(self, text: str) -> None:
        self.send(Note(text))

    def warn(self, text: str) -> None:
        self.send(Note(text, "warning"))

    def log(self, text: str) -> None:
        self.send(Log(text))
