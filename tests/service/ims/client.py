"""Ask an ASGI application in this process, as a server would."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.service.model import Actor


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """`actor` None: nobody put one into the scope."""

    def __init__(self, app: Any, actor: Actor | None = None) -> None:
        self.app = app
        self.actor = actor
        self.runner = asyncio.Runner()

    def close(self) -> None:
        self.app.close()
        self.runner.close()

    def __call__(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        raw: bytes | None = None,
        kind: str | None = "application/json",
        actor: Actor | None = None,
    ) -> Reply:
        body = raw if raw is not None else b"" if content is None else json.dumps(content).encode()
        return self.runner.run(self.ask(method, path, body, kind, actor or self.actor))

    async def ask(self, method: str, path: str, body: bytes, kind: str | None, actor: Actor | None) -> Reply:
        place, _, query = path.partition("?")
        headers = [(b"content-type", kind.encode())] if kind else []
        scope = {
            "type": "http",
            "method": method,
            "path": place,
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            "state": {"actor": actor} if actor else {},
        }
        events: list[Any] = []
        # in two pieces, as it may come
        pieces = [{"type": "http.request", "body": body[:5], "more_body": True}]
        pieces.append({"type": "http.request", "body": body[5:], "more_body": False})

        async def receive() -> Any:
            return pieces.pop(0)

        async def send(event: Any) -> None:
            events.append(event)

        await self.app(scope, receive, send)
        got = {name.decode(): value.decode() for name, value in events[0]["headers"]}
        return Reply(events[0]["status"], got, b"".join(event["body"] for event in events[1:]))
