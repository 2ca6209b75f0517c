"""Records and their answers, kept as bytes: most requests ask for what has not changed.

Whether something has is asked of the database with every request (a number), so several processes agree; only what
changed is read again.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from slipway.service.model import GONE
from slipway.service.records.joining import Joined

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from slipway.service.model import Record
    from slipway.service.records.store import Records

R = TypeVar("R", bound="Record")
_NEVER: Final = -1
# Seconds without a question, after which the events may be gone that tell what was removed.
_OLD: Final = 1800


@dataclass(frozen=True, slots=True)
class Entry(Generic[R]):
    """`body` is the record as an API shows it: JSON, without a newline."""

    record: R
    body: bytes


class Shelf(Generic[R]):
    """The records of one collection in the order in which they were made."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry[R]] = {}
        self._order: list[tuple[int, str]] = []
        self._whole: bytes | None = None

    def fill(self, entries: Iterable[Entry[R]]) -> None:
        self.entries = {entry.record.id: entry for entry in entries}
        self._order = sorted((entry.record.created, id_) for id_, entry in self.entries.items())
        self._whole = None

    def put(self, entry: Entry[R]) -> None:
        known = self.entries.get(entry.record.id)
        if known is None or known.record.created != entry.record.created:
            self.drop(entry.record.id)
            insort(self._order, (entry.record.created, entry.record.id))
        self.entries[entry.record.id] = entry
        self._whole = None

    def drop(self, record: str) -> None:
        entry = self.entries.pop(record, None)
        if entry is not None:
            del self._order[bisect_left(self._order, (entry.record.created, record))]
            self._whole = None

    def records(self) -> list[R]:
        return [self.entries[id_].record for _, id_ in self._order]

    def body(self, projects: frozenset[str] | None = None) -> bytes:
        """All as one list with a newline; only those of the projects, if any are named."""
        if projects is not None:
            entries = (self.entries[id_] for _, id_ in self._order)
            return _list(entry.body for entry in entries if entry.record.project in projects)
        if self._whole is None:
            self._whole = _list(self.entries[id_].body for _, id_ in self._order)
        return self._whole


class Cache(Generic[R]):
    """One kind of records. `run` runs what takes long in a thread; `shown` makes the body of an entry."""

    def __init__(
        self,
        records: Records,
        kind: type[R],
        run: Callable[..., Awaitable[Any]],
        shown: Callable[[R], bytes],
    ) -> None:
        self._records = records
        self._kind = kind
        self._run = run
        self._shown = shown
        self._joined = Joined(lambda: run(self._ask))
        self._stamp = _NEVER
        self._asked = 0.0
        self._lock = asyncio.Lock()
        self._here: Shelf[R] = Shelf()
        self._gone: Shelf[R] = Shelf()

    async def shelf(self, *, gone: bool = False) -> Shelf[R]:
        """As of now: whatever was answered before, by any process, is in it."""
        await self._current()
        return self._gone if gone else self._here

    async def entry(self, id_: str) -> Entry[R] | None:
        """As of now, deleted or not."""
        await self._current()
        return self._here.entries.get(id_) or self._gone.entries.get(id_)

    async def _current(self) -> None:
        stamp = self._records.stamp(self._kind) if self._records.quick else await self._joined()
        if stamp > self._stamp:
            await self._update(stamp)
        self._asked = time.monotonic()

    def _ask(self) -> int:
        return self._records.stamp(self._kind)

    async def _update(self, wanted: int) -> None:
        async with self._lock:  # those who waited find it done
            if self._stamp >= wanted:
                return
            if self._stamp == _NEVER or time.monotonic() - self._asked > _OLD:
                stamp, here, gone = await self._run(self._everything)
                self._here.fill(here)
                self._gone.fill(gone)
            else:
                stamp, changed, removed = await self._run(self._changes, self._stamp)
                for entry in changed:
                    self._place(entry)
                for record in removed:
                    self._here.drop(record)
                    self._gone.drop(record)
            self._stamp = stamp

    def _place(self, entry: Entry[R]) -> None:
        target, other = (self._here, self._gone)
        if entry.record.state in GONE:
            target, other = other, target
        other.drop(entry.record.id)
        if entry.record.state == "purging":  # removed for those who look; its objects follow
            target.drop(entry.record.id)
        else:
            target.put(entry)

    # The number is read before the records: what comes in between is read twice, and nothing is missed.
    def _everything(self) -> tuple[int, list[Entry[R]], list[Entry[R]]]:
        stamp = self._ask()
        here = [self._entry(record) for record in self._records.all(self._kind)]
        gone = self._records.all(self._kind, gone=True)
        return stamp, here, [self._entry(record) for record in gone if record.state != "purging"]

    def _changes(self, since: int) -> tuple[int, list[Entry[R]], list[str]]:
        stamp = self._ask()
        changed, removed = self._records.changed(self._kind, since)
        return stamp, [self._entry(record) for record in changed], removed

    def _entry(self, record: R) -> Entry[R]:
        return Entry(record, self._shown(record))


def _list(bodies: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(bodies) + b"]\n"
