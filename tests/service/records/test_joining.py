"""One answer for many, but none that is older than the wish for it."""

from __future__ import annotations

import asyncio

import pytest

from slipway.service.records.joining import Joined


class Source:
    """A number that others change; each question takes until it is let go."""

    def __init__(self) -> None:
        self.value = 0
        self.asked = 0
        self.gate = asyncio.Event()

    async def ask(self) -> int:
        self.asked += 1
        value = self.value
        await self.gate.wait()
        if value < 0:
            raise OSError("away")
        return value


def test_who_comes_late_waits_for_the_next() -> None:
    async def run() -> None:
        source = Source()
        joined = Joined(source.ask)
        first = [asyncio.create_task(joined()) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert source.asked == 1
        source.value = 1
        second = [asyncio.create_task(joined()) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert source.asked == 1
        source.gate.set()
        assert await asyncio.gather(*first) == [0, 0, 0]
        assert await asyncio.gather(*second) == [1, 1, 1]
        assert source.asked == 2
        source.value = 2
        assert await joined() == 2

    asyncio.run(run())


def test_one_who_goes_takes_nothing_from_the_others() -> None:
    async def run() -> None:
        source = Source()
        joined = Joined(source.ask)
        goes, stays = asyncio.create_task(joined()), asyncio.create_task(joined())
        await asyncio.sleep(0.01)
        goes.cancel()
        source.gate.set()
        assert await stays == 0

    asyncio.run(run())


def test_what_fails_fails_for_all_and_only_once() -> None:
    async def run() -> None:
        source = Source()
        source.gate.set()
        joined = Joined(source.ask)
        source.value = -1
        found = await asyncio.gather(joined(), joined(), return_exceptions=True)
        assert [type(each) for each in found] == [OSError, OSError]
        source.value = 3
        assert await joined() == 3
        source.value = -1
        with pytest.raises(OSError, match="away"):
            await joined()

    asyncio.run(run())
