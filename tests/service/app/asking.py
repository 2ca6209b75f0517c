"""Asks ASGI applications without a server between, and makes services whose parts do nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from slipway.service.runners import RecordRunner
from slipway.service.settings import ServiceSettings
from slipway.service.state import Service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.service.asgi import App, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Said:
    status: int
    headers: dict[str, str]
    body: bytes
    scope: Scope

    def json(self) -> Any:
        return json.loads(self.body)


def scope_of(
    method: str, path: str, headers: Mapping[str, str] | None = None, client: str = "127.0.0.1"
) -> Scope:
    return {
        "type": "http",
        "method": method,
        "path": path.partition("?")[0],
        "query_string": path.partition("?")[2].encode(),
        "root_path": "",
        "client": (client, 1),
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in (headers or {}).items()],
        "state": {},
    }


async def asked(
    app: App,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: Sequence[bytes] = (),
    *,
    pause: float = 0,
    client: str = "127.0.0.1",
) -> Said:
    """`body` comes in these pieces, after a pause (seconds) each."""
    pieces = list(body) or [b""]
    told = {**(headers or {}), **({"content-length": str(sum(map(len, body)))} if body else {})}
    if any(name.lower() == "transfer-encoding" for name in told):
        told.pop("content-length", None)
    scope = scope_of(method, path, told, client)
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(pause)
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return Said(0, {}, b"", scope)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    given = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Said(sent[0]["status"], given, content, scope)


def ask(app: App, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> Said:
    return asyncio.run(asked(app, method, path, headers, **more))


class Part:
    """A database, storage or deletion that works, or raises `problem`."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem

    def check(self) -> None:
        if self.problem:
            raise self.problem

    def counts(self) -> dict[tuple[str, str], int]:
        self.check()
        return {("image", "live"): 3, ("image", "deleted"): 1}

    def tasks(self) -> list[Any]:
        return []


def service(records: Any = None, artifacts: Any = None, **settings: Any) -> Service:
    part = cast("Any", Part())
    return Service(
        records or part, artifacts or part, part, RecordRunner(), ServiceSettings(**settings), lambda: 0.0
    )


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what came: path, size of the body, and who asked."""
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        size += len(event.get("body", b""))
        if not event.get("more_body", False):
            break
    actor = scope["state"].get("actor")
    said = {
        "path": scope["path"],
        "root": scope["root_path"],
        "size": size,
        "actor": actor and actor.name,
        "id": scope["state"].get("request_id"),
    }
    body = json.dumps(said).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
    )
    await send({"type": "http.response.body", "body": body})
