"""The compatible API as one ASGI application: the root, `/v2` and `/v3`, each also below `/apis/ims`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from slipway.errors import SlipwayError
from slipway.service.artifacts.model import ArtifactError
from slipway.service.ims.answers import (
    FAILED,
    MISSING_URL,
    Answer,
    RefusedError,
    not_allowed,
    problem,
)
from slipway.service.ims.call import Call
from slipway.service.ims.context import Context
from slipway.service.ims.links import unavailable
from slipway.service.ims.routes import PREFIX, Handler, Route, table
from slipway.service.records.errors import DatabaseError

if TYPE_CHECKING:
    from slipway.service.asgi import Receive, Scope, Send
    from slipway.service.state import Service

_LOG: Final = logging.getLogger(__name__)
_PIECE: Final = 1 << 17  # what a slow client can make us keep
_NO_URL: Final = problem(404, MISSING_URL)


def application(service: Service) -> Application:
    return Application(service)


class Application:
    """`scope["state"]["actor"]` is who asks, where sign-in is on. `close` gives back its threads."""

    def __init__(self, service: Service) -> None:
        self._context = Context(service)
        self._routes = table()
        self._limit = service.settings.request_limit

    def close(self) -> None:
        self._context.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            method: str = scope["method"]
            answer = await self._answer(scope, receive, method)
            await _send(send, answer, body=method != "HEAD")

    async def _answer(self, scope: Scope, receive: Receive, method: str) -> Answer:
        path: str = scope["path"]
        root: str = scope.get("root_path", "")
        path = path.removeprefix(root) if root else path
        path = path.removeprefix(PREFIX)
        before, _, last = path.rpartition("/")
        route = self._routes.get(path) or (self._routes.get(f"{before}/*") if last else None)
        if route is None:
            return _NO_URL
        handler = route.get("GET" if method == "HEAD" else method)
        if handler is None:
            return _other(route, method)
        try:
            return await self._handle(handler, Call(scope, receive, last, self._limit))
        except RefusedError as refusal:
            return refusal.answer
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer and we the trace
            _LOG.exception("a request failed: %s %s", method, path)
            return FAILED

    async def _handle(self, handler: Handler, call: Call) -> Answer:
        try:
            return await handler(self._context, call)
        except DatabaseError as error:
            return problem(503, f"The records cannot be read or written: {error.brief}")
        except ArtifactError as error:
            raise unavailable(error) from None
        except SlipwayError as error:
            return problem(422, error.brief)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            await send({"type": f"{event['type']}.complete"})
            if event["type"] == "lifespan.shutdown":
                self.close()
                return


def _other(route: Route, method: str) -> Answer:
    methods = b", ".join(sorted(name.encode() for name in {*route, "HEAD", "OPTIONS"}))
    if method == "OPTIONS":
        return Answer(200, b"", b"text/html; charset=utf-8", ((b"allow", methods),))
    return not_allowed(methods)


async def _send(send: Send, answer: Answer, *, body: bool) -> None:
    headers = [(b"content-type", answer.content_type), *answer.headers]
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    content = answer.body if body else b""
    if len(content) <= _PIECE:
        await send({"type": "http.response.body", "body": content})
        return
    for start in range(0, len(content), _PIECE):
        more = start + _PIECE < len(content)
        await send({"type": "http.response.body", "body": content[start : start + _PIECE], "more_body": more})
        await asyncio.sleep(0)  # a client that takes all at once would keep the others waiting
