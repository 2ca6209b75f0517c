"""Many who ask the same at once get one answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Joined(Generic[T]):
    """At most one question is under way. Who comes meanwhile shares the next: an answer is never older than the wish for it."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._now: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        if self._next is None:
            self._next = asyncio.create_task(self._question(self._now))
            self._next.add_done_callback(_seen)
        return await asyncio.shield(self._next)  # others wait for it too

    async def _question(self, before: asyncio.Task[T] | None) -> T:
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._now, self._next = self._next, None  # who comes from here on comes too late for it
        return await self._ask()


def _seen(done: asyncio.Task[T]) -> None:
    """When nobody waits any more, that it failed is no news."""
    if not done.cancelled():
        done.exception()
