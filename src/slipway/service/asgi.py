"""The words of ASGI (specification 3.0), and answers that need no framework."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
_LINGER: Final = 1.0  # seconds
_LINGER_BYTES: Final = 8 << 20


async def answer(
    scope: Scope,
    send: Send,
    body: bytes,
    *,
    status: int = 200,
    content_type: bytes = JSON,
    headers: Headers = (),
) -> None:
    """A whole answer; without its body when only the head was asked for."""
    head = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def refuse(scope: Scope, send: Send, status: int, detail: str, headers: Headers = ()) -> None:
    """A problem document (RFC 9457)."""
    content = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
    body = json.dumps(content).encode()
    await answer(scope, send, body, status=status, content_type=PROBLEM, headers=headers)


async def turn_away(
    scope: Scope, receive: Receive, send: Send, status: int, detail: str, headers: Headers = ()
) -> None:
    """`refuse` whose body may be on its way still, and end the connection.

    What comes is let pass for a moment after the answer: a connection that is closed over bytes nobody has read is reset, and the
    client, which is sending, may never see why.
    """

    async def unfinished(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await refuse(scope, unfinished, status, detail, (*headers, (b"connection", b"close")))
    passed = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while passed <= _LINGER_BYTES:
                event = await receive()
                passed += len(event.get("body", b""))
                if not event.get("more_body", False):
                    break
    await send({"type": "http.response.body", "body": b""})


def header(scope: Scope, name: bytes) -> bytes:
    """The first header of that name (in lower case), or empty."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def below_root(scope: Scope) -> str:
    """The path without what is before the application (`root_path`, which ASGI leaves in the path)."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
