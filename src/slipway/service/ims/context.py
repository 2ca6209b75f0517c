"""What all handlers of the API work with."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from slipway.errors import SlipwayError
from slipway.service.auth.roles import allowed, home, projects
from slipway.service.ims import render
from slipway.service.ims.answers import REPEAT, conflict, forbidden, missing, refused
from slipway.service.ims.links import Links
from slipway.service.model import Image, Job, Node, PublicKey, Recipe
from slipway.service.records.cache import Cache
from slipway.service.records.errors import StaleError, TakenError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from slipway.service.auth.roles import Verb
    from slipway.service.ims.answers import RefusedError
    from slipway.service.ims.call import Call
    from slipway.service.model import Actor, Record
    from slipway.service.records.cache import Shelf
    from slipway.service.records.tx import Tx
    from slipway.service.state import Service

T = TypeVar("T")
R = TypeVar("R", bound="Record")
_THREADS: Final = 64  # most of them wait for a storage
_AT_ONCE: Final = 48  # of one request, so that others find threads
_TRIES: Final = 8  # when others change the same record all the time


class Context:
    """One for each application; `close` when it is not used any more."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._threads = ThreadPoolExecutor(_THREADS, "ims")
        self._caches = {
            kind: Cache(service.records, kind, self.run, render.record)
            for kind in (PublicKey, Recipe, Image, Job, Node)
        }

    def close(self) -> None:
        self._threads.shutdown()

    def links(self, actor: Actor, verb: Verb = "write") -> Links:
        """For threads: all that it does asks the storage."""
        service = self.service
        return Links(service.artifacts, service.records, actor, service.settings.manifest_limit, verb)

    def now(self) -> int:
        """Microseconds since 1970."""
        return int(self.service.clock() * 1_000_000)

    async def run(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """What blocks, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *args, **named))

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await asyncio.wrap_future(self.service.records.submit(work))

    async def shelf(self, kind: type[R], *, gone: bool = False) -> Shelf[R]:
        cache = cast("Cache[R]", self._caches[kind])  # type: ignore[index]
        return await cache.shelf(gone=gone)

    async def body(self, kind: type[Record], call: Call, *, gone: bool = False) -> bytes:
        """The whole collection, as far as the actor sees it."""
        shelf = await self.shelf(kind, gone=gone)
        return shelf.body(projects(call.actor))

    async def bytes(self, kind: type[Record], call: Call, *, gone: bool = False) -> bytes:
        shelf = await self.shelf(kind, gone=gone)
        entry = shelf.entries.get(call.id)
        if entry is None or not allowed(call.actor, "read", entry.record.project):
            raise missing()
        return entry.body + b"\n"

    async def find(self, kind: type[R], record: str, actor: Actor, *, gone: bool = False) -> R | None:
        """The record, if the actor may know of it."""
        shelf = await self.shelf(kind, gone=gone)
        entry = shelf.entries.get(record)
        if entry is None or not allowed(actor, "read", entry.record.project):
            return None
        return entry.record

    async def need(self, kind: type[R], call: Call, *, gone: bool = False) -> R:
        """The record that the request is about, which it is going to change."""
        record = await self.find(kind, call.id, call.actor, gone=gone)
        if record is None:
            raise missing()
        if not allowed(call.actor, "write", record.project):
            raise forbidden()
        return record

    async def add(self, record: R, actor: Actor) -> R:
        try:
            return await self.write(lambda tx: tx.add(record, actor))
        except TakenError as error:
            raise taken(record, error) from None

    async def change(self, record: R, actor: Actor, changed: Callable[[R], R]) -> R:
        """Store what `changed` makes of the record as it is in the transaction; nothing is written where that is the same."""
        kind = type(record)

        def work(tx: Tx) -> R:
            now = tx.get(kind, record.id, gone=False)
            if now is None:
                raise missing()
            after = changed(now)
            return now if after == now else tx.replace(after, actor)

        try:
            return await self.write(work)
        except TakenError as error:
            raise taken(changed(record), error) from None

    async def insist(self, record: R, act: Callable[[R], object], *, gone: bool = False) -> bool:
        """Do that with the record, or with a newer one when it has changed meanwhile; False when it is gone by then."""
        now: R | None = record
        for _ in range(_TRIES):
            if now is None:
                return False
            try:
                await self.run(act, now)
            except StaleError:
                shelf = await self.shelf(type(record), gone=gone)
                entry = shelf.entries.get(record.id)
                now = entry.record if entry else None
            else:
                return True
        raise conflict()

    async def insist_all(
        self,
        kind: type[R],
        ours: Callable[[R], bool],
        act: Callable[[list[R]], object],
        *,
        gone: bool = False,
    ) -> list[R]:
        """Do that with all records that are `ours`, or with none; again when one has changed meanwhile. Those that there were."""
        for _ in range(_TRIES):
            shelf = await self.shelf(kind, gone=gone)
            records = [record for record in shelf.records() if ours(record)]
            try:
                if records:
                    await self.run(act, records)
            except StaleError:
                continue
            return records
        raise conflict()

    async def settle(self, records: Iterable[Record]) -> None:
        """Wait until their objects have been moved, if that does not take long."""
        until = time.monotonic() + self.service.settings.deletion_wait
        for record in records:
            if not isinstance(record, (Recipe, Image)) or record.link is None:
                continue
            left = until - time.monotonic()
            if left <= 0 or not await self.run(self.service.deletion.wait, record, left):
                return


def place(actor: Actor) -> str:
    """The project of new records, of which requests say nothing."""
    if found := home(actor):
        return found
    raise forbidden()


def taken(record: Record, error: TakenError) -> RefusedError:
    if error.field != "link":
        return conflict()
    return duplicate(record, error.other)


def duplicate(record: Record, other: str) -> RefusedError:
    """The link of the record, or the one that it would go back to, belongs to another one."""
    kind = "image" if isinstance(record, Image) else "recipe"
    link = (record.home or record.link) if isinstance(record, (Image, Recipe)) else None
    path = link.path if link else ""
    return refused(
        422,
        f"The link path {path} matches the link path for the IMS {kind} record {other}. The link value must be unique"
        f" and cannot be duplicated. D{REPEAT}",
    )


async def each(records: Iterable[R], act: Callable[[R], Awaitable[object]]) -> list[SlipwayError]:
    """Many at once; what cannot be done with one record does not keep the others from it. The errors, in order."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(record: R) -> SlipwayError | None:
        async with gate:
            try:
                await act(record)
            except SlipwayError as error:
                return error
            return None

    found = await asyncio.gather(*(one(record) for record in records))
    return [error for error in found if error is not None]
