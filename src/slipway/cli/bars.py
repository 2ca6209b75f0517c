"""Progress on a terminal: a bar for each running step, a line for each that has ended.

Bars come up only when a run takes longer than a moment, so a build that has nothing to do does not pay for
importing them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self, TextIO

from slipway.cli import sinks, text
from slipway.events import Log, Note, StepBegan, StepMoved

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import TaskID

    from slipway.events import Event

PATIENCE = 0.3  # seconds until the bars come up
SHORT = 0.1  # a step that took less leaves no line behind, unless it failed or more was asked for
MOST = 8  # bars at once; further steps run without one


class BarSink:
    """A sink and a context manager; the bars are gone when it is left."""

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self._stream = stream
        self._paint = text.Paint(stream)
        self._verbose = verbose
        self._lock = threading.Lock()
        self._running: dict[int, tuple[StepBegan, StepMoved | None]] = {}
        self._tasks: dict[int, TaskID] = {}
        self._bars: Any = None
        self._closed = False
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._bars is not None:
                self._bars.stop()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, StepBegan):
                self._running[event.id] = (event, None)
                self._add(event, None)
            elif isinstance(event, StepMoved):
                self._move(event)
            elif isinstance(event, Note):
                self._line(sinks.note_line(event, self._paint))
            elif isinstance(event, Log):
                if self._verbose:
                    self._line(sinks.log_line(event, self._paint))
            else:
                began, _ = self._running.pop(event.id, (None, None))
                self._drop(event.id)
                if self._verbose or not event.ok or event.seconds >= SHORT:
                    self._line(sinks.ended_line(event, began, self._paint))

    def _show(self) -> None:
        from slipway.cli.progress import make

        bars = make(self._stream, colour=self._paint.on)
        with self._lock:
            if self._closed:
                return
            self._bars = bars
            for began, moved in self._running.values():
                self._add(began, moved)

    def _add(self, began: StepBegan, moved: StepMoved | None) -> None:
        if self._bars is None or len(self._tasks) >= MOST:
            return
        if not self._tasks:
            self._bars.start()
        done, total = (moved.done, moved.total) if moved else (0, began.total)
        self._tasks[began.id] = self._bars.add_task(
            text.printable(began.name), total=total or None, completed=done, unit=began.unit
        )

    def _move(self, event: StepMoved) -> None:
        if (running := self._running.get(event.id)) is None:
            return
        self._running[event.id] = (running[0], event)
        if (task := self._tasks.get(event.id)) is not None:
            self._bars.update(task, completed=event.done, total=event.total or None)

    def _drop(self, step: int) -> None:
        if (task := self._tasks.pop(step, None)) is None:
            return
        if not self._running:  # leave the terminal to whatever comes next, such as a command in an image
            self._bars.stop()
        self._bars.remove_task(task)
        waiting = next(((b, m) for i, (b, m) in self._running.items() if i not in self._tasks), None)
        if waiting is not None:
            self._add(*waiting)

    def _line(self, line: str) -> None:
        if self._bars is None:
            text.say(line, self._stream)
        else:
            from rich.text import Text

            self._bars.console.print(Text.from_ansi(line), soft_wrap=True)
