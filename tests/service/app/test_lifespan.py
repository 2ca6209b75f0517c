from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from slipway.service.lifespan import Lives

if TYPE_CHECKING:
    from slipway.service.asgi import Message, Receive, Scope, Send


def lived(*apps: Any) -> list[Message]:
    told = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Message] = []

    async def receive() -> Any:
        return told.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(Lives(apps)({"type": "lifespan"}, receive, send))
    return sent


def test_all_begin_and_end() -> None:
    seen = []

    async def one(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(2):
            event = await receive()
            seen.append(event["type"])
            await send({"type": f"{event['type']}.complete"})

    async def other(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError(scope["type"])

    assert [message["type"] for message in lived(one, other, one)] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert seen == ["lifespan.startup"] * 2 + ["lifespan.shutdown"] * 2


def test_one_that_fails() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    assert lived(failing) == [{"type": "lifespan.startup.failed", "message": "no"}]
