"""Changes as they happen: one look at the database for all who listen, and for each no more than a number.

Whoever falls so far behind that what comes next is not in memory any more reads it from the database, as one who comes later does.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from slipway.errors import SlipwayError
from slipway.service.v4 import views

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from slipway.service.model import Event
    from slipway.service.v4.context import Context

_BUFFER: Final = 2000  # changes in memory
_PIECE: Final = 500  # read at a time
_UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Wanted:
    """None or empty: all. `projects` are those that the listener may see."""

    projects: frozenset[str] | None = None
    kinds: frozenset[str] = frozenset()
    record: str = ""

    def __call__(self, event: Event) -> bool:
        return (
            (self.projects is None or event.project in self.projects)
            and (not self.kinds or event.kind in self.kinds)
            and (not self.record or event.id == self.record)
        )


class Feed:
    """`pause` is the time between two looks in seconds, while anybody listens; `heartbeat` that between signs of life."""

    def __init__(self, context: Context, pause: float = 0.2, heartbeat: float = 15) -> None:
        self.context = context
        self.pause = pause
        self.heartbeat = heartbeat
        self.looks = 0
        self._recent: deque[tuple[Event, bytes]] = deque(maxlen=_BUFFER)
        self._newest = _UNKNOWN
        self._oldest = _UNKNOWN  # all changes after this one are in `_recent`
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._closed = False
        self._stopping: asyncio.Event | None = None

    def until(self, stopping: asyncio.Event | None) -> None:
        """All streams end soon after that happens."""
        self._stopping = stopping or self._stopping

    def close(self) -> None:
        """End all streams; clients come back to where they were."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        self._tell()

    async def stream(self, after: int | None, wanted: Wanted) -> AsyncIterator[bytes]:
        """Server-sent events (HTML, section 9.2) of the changes after that number; None: of those from now on."""
        self._join()
        try:
            place = await self.context.stamp() if after is None else after
            yield b"retry: 2000\n: hello\n\n"
            while not self._closed:
                news = self._news  # before looking, so that nothing comes in between unnoticed
                found, place = await self._next(place, wanted)
                if found:
                    yield b"".join(found)
                if place < self._newest:
                    continue
                try:
                    async with asyncio.timeout(self.heartbeat):
                        await news.wait()
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._leave()

    async def _next(self, place: int, wanted: Wanted) -> tuple[list[bytes], int]:
        """What comes after that place, and the place behind it."""
        if place >= self._newest:
            return [], place
        if place >= self._oldest:
            start = bisect_right(self._recent, place, key=lambda each: each[0].stamp)
            piece = list(islice(self._recent, start, start + _PIECE))
        else:
            records = self.context.service.records
            piece = [
                (each, shown(each)) for each in await self.context.run(records.events, place, limit=_PIECE)
            ]
        if not piece:
            return [], self._newest
        return [data for event, data in piece if wanted(event)], piece[-1][0].stamp

    def _join(self) -> None:
        self._listeners += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch())

    def _leave(self) -> None:
        self._listeners -= 1
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        self._newest = self._oldest = _UNKNOWN
        self._recent.clear()
        while self._stopping is None or not self._stopping.is_set():
            try:
                self.looks += 1
                stamp = await self.context.stamp()
                if self._newest == _UNKNOWN:  # nobody is here to whom what was before is new
                    self._newest = self._oldest = stamp
                    self._tell()
                elif stamp > self._newest:
                    await self._read(stamp)
            except SlipwayError:  # the database is away: those who listen wait with us
                pass
            await asyncio.sleep(self.pause)
        self._task = None
        self.close()

    async def _read(self, stamp: int) -> None:
        records = self.context.service.records
        while self._newest < stamp:
            found = await self.context.run(records.events, self._newest, limit=_PIECE)
            for event in found:
                if len(self._recent) == _BUFFER:
                    self._oldest = self._recent[0][0].stamp
                self._recent.append((event, shown(event)))
            self._newest = found[-1].stamp if found else stamp
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def shown(event: Event) -> bytes:
    """The event's number is the id to resume from."""
    data = views.encoded(views.event(event)).rstrip()
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.stamp, event.action.encode(), data)
