"""The beginning and the end of several applications as those of one (ASGI lifespan protocol 2.0)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.service.asgi import App, Message, Receive, Scope, Send

_LOG: Final = logging.getLogger(__name__)


class Lives:
    def __init__(self, apps: Sequence[App]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lives = [_Life(app, scope) for app in self._apps]
        while True:
            event = await receive()
            problems = [problem for life in lives if (problem := await life.tell(str(event["type"])))]
            outcome = "failed" if problems else "complete"
            await send({"type": f"{event['type']}.{outcome}", "message": "; ".join(problems)})
            if problems or event["type"] == "lifespan.shutdown":
                return


class _Life:
    """One application's; one that knows no lifespan, and says so by an exception, lives without."""

    def __init__(self, app: App, scope: Scope) -> None:
        self._app = app
        self._scope = {**scope, "state": {}}
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def tell(self, event: str) -> str:
        """What is wrong, if it says so."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        if self._task.done():
            return ""
        self._events.put_nowait({"type": event})
        answer = await self._answers.get()
        return str(answer.get("message") or "it failed") if answer["type"] == f"{event}.failed" else ""

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._events.get, self._answers.put)
        except Exception:  # noqa: BLE001 - the protocol's way of saying that there is nothing to tell
            _LOG.debug("an application has no lifespan", exc_info=True)
        self._answers.put_nowait({"type": "over"})
