"""Where events go: bars on a terminal, steady lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from slipway.cli import text
from slipway.cli.face import emit
from slipway.events import Log, Note, StepBegan, StepEnded, StepMoved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.cli.face import Face
    from slipway.events import Event

PROGRESS_EVERY = 5.0  # seconds between two progress lines of one step in a log
JSON_EVERY = 0.5  # seconds between two progress events of one step


@contextmanager
def open_sink(face: Face) -> Iterator[Callable[[Event], None]]:
    """The sink for this run; what it shows is complete when the block ends."""
    if face.json:
        yield JsonSink()
    elif face.quiet or not text.is_terminal(sys.stderr):
        yield LineSink(sys.stderr, verbose=face.verbose, quiet=face.quiet)
    else:
        from slipway.cli.bars import BarSink

        with BarSink(sys.stderr, verbose=face.verbose) as sink:
            yield sink


def event_type(kind: type) -> str:
    """`StepBegan` is `step-began` in JSON."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


class Pace:
    """Lets an event of a step pass only when `every` seconds have gone since the last one that passed."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._last: dict[int, float] = {}

    def begin(self, step: int) -> None:
        self._last[step] = time.monotonic()

    def due(self, step: int) -> bool:
        now = time.monotonic()
        if now - self._last.get(step, now) < self._every:
            return False
        self._last[step] = now
        return True

    def end(self, step: int) -> None:
        self._last.pop(step, None)


class JsonSink:
    """An object per event: `type` is the event's name in lower case with dashes, the rest are its fields."""

    def __init__(self) -> None:
        self._pace = Pace(JSON_EVERY)

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepBegan):
            self._pace.begin(event.id)
        elif isinstance(event, StepEnded):
            self._pace.end(event.id)
        elif isinstance(event, StepMoved) and not self._pace.due(event.id):
            return
        data: dict[str, Any] = asdict(event)
        if isinstance(event, StepEnded):
            data["seconds"] = round(event.seconds, 3)
        emit({"type": event_type(type(event)), **data})


class LineSink:
    """A line when a step begins and one when it ends, and now and then one between; nothing moves."""

    def __init__(self, stream: TextIO, *, verbose: bool = False, quiet: bool = False) -> None:
        self._stream = stream
        self._paint = text.Paint(stream)
        self._verbose = verbose
        self._quiet = quiet
        self._running: dict[int, StepBegan] = {}
        self._pace = Pace(PROGRESS_EVERY)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Note):
            if event.level == "warning" or not self._quiet:
                text.say(note_line(event, self._paint), self._stream)
        elif self._quiet:
            return
        elif isinstance(event, Log):
            if self._verbose:
                text.say(log_line(event, self._paint), self._stream)
        elif isinstance(event, StepBegan):
            self._running[event.id] = event
            self._pace.begin(event.id)
            text.say(f"{event.name}{detail(event.detail)} …", self._stream)
        elif isinstance(event, StepMoved):
            if self._pace.due(event.id):
                self._moved(event)
        else:
            began = self._running.pop(event.id, None)
            self._pace.end(event.id)
            text.say(ended_line(event, began, self._paint), self._stream)

    def _moved(self, event: StepMoved) -> None:
        began = self._running.get(event.id)
        if began is not None:
            total = event.total or began.total
            text.say(f"{began.name}: {amount(event.done, total, began.unit)}", self._stream)


def amount(done: int, total: int, unit: str) -> str:
    """`12.0 MB of 38.4 MB (31 %)`, or only what is known of it."""
    show = text.size if unit == "bytes" else str
    if not total:
        return show(done)
    return f"{show(done)} of {show(total)} ({min(100, done * 100 // total)} %)"


def detail(words: str) -> str:
    return f": {text.printable(words)}" if words else ""


def note_line(event: Note, paint: text.Paint) -> str:
    words = text.printable(event.text)
    return f"{paint('warning:', 'yellow', 'bold')} {words}" if event.level == "warning" else words


def log_line(event: Log, paint: text.Paint) -> str:
    return paint(f"  {text.printable(event.text)}", "dim")


def ended_line(event: StepEnded, began: StepBegan | None, paint: text.Paint) -> str:
    if event.ok:
        sign = paint(paint.sign("✓", "ok"), "green")
    else:
        sign = paint(paint.sign("✗", "failed"), "red", "bold")
    words = event.detail or (began.detail if began else "")
    return f"{sign} {event.name}{detail(words)}  {paint(text.seconds(event.seconds), 'dim')}"
