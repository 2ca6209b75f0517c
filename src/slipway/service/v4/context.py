"""What all endpoints work with: the service, and how to wait for it without holding up others."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from slipway.service.auth.roles import allowed
from slipway.service.records.cache import Cache
from slipway.service.v4 import views
from slipway.service.v4.problems import missing
from slipway.service.v4.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.service.model import Actor, Record
    from slipway.service.records.cache import Entry
    from slipway.service.records.tx import Tx
    from slipway.service.state import Service
    from slipway.service.v4.resources import Resource

T = TypeVar("T")


class Context:
    """One for each application. `transfers` is apart, so that slow uploads leave threads to all else."""

    def __init__(self, service: Service, transfers: int = 64) -> None:
        self.service = service
        self.transfers = CapacityLimiter(transfers)
        self._caches: dict[type[Record], Cache[Any]] = {
            resource.cls: Cache(service.records, resource.cls, self.run, views.shown)
            for resource in RESOURCES
        }

    def now(self) -> int:
        """Microseconds since 1970."""
        return int(self.service.clock() * 1_000_000)

    async def run(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """What blocks, in a thread."""
        return await anyio.to_thread.run_sync(partial(function, *args, **named))

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await asyncio.wrap_future(self.service.records.submit(work))

    async def stamp(self, kind: type[Record] | None = None) -> int:
        """The number of the last change."""
        if self.service.records.quick:
            return self.service.records.stamp(kind)
        return await self.run(self.service.records.stamp, kind)

    async def entry(self, resource: Resource, name: str, actor: Actor) -> Entry[Any]:
        """The record, deleted or not, with its answer; 404 if it is not there, or nothing that this actor sees."""
        entry = await self._caches[resource.cls].entry(name)
        if entry is None:
            raise missing(resource.name, name)
        seen(resource, name, entry.record, actor)
        return entry

    def found(self, resource: Resource, name: str, actor: Actor) -> Record:
        """The record, read anew, for those who are in a thread and will change it."""
        if "\0" in name:
            raise missing(resource.name, name.replace("\0", "?"))
        records = self.service.records
        record = records.get(resource.cls, name) or records.get(resource.cls, name, gone=True)
        return seen(resource, name, record, actor)


def seen(resource: Resource, name: str, record: Record | None, actor: Actor) -> Record:
    """404 also for what is not for this actor to know of, and for what is being removed for ever."""
    if record is None or record.state == "purging" or not allowed(actor, "read", record.project):
        raise missing(resource.name, name)
    return record
