from __future__ import annotations

import asyncio
import threading
from time import monotonic

import pytest

from slipway.service import health
from slipway.service.health import Ready


def test_a_check_that_hangs_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_PATIENCE", 0.05)
    monkeypatch.setattr(health, "_FRESH", 0.0)
    go = threading.Event()
    begun = []

    def hang() -> None:
        begun.append(1)
        go.wait(10)

    async def look() -> list[tuple[str, ...]]:
        ready = Ready({"storage": hang, "database": lambda: None})
        found = [await ready.problems(), await ready.problems()]
        go.set()
        await asyncio.sleep(0.1)
        found.append(await ready.problems())
        ready.close()
        return found

    before = monotonic()
    first, second, third = asyncio.run(look())
    assert monotonic() - before < 5
    assert first == second == ("storage: no answer within 0 seconds",)
    assert third == ()
    assert len(begun) == 2


def test_many_who_ask_are_told_the_same() -> None:
    begun = []
    ready = Ready({"database": lambda: begun.append(1)})

    async def look() -> None:
        for _ in range(50):
            await ready.problems()

    asyncio.run(look())
    ready.close()
    assert len(begun) == 1
