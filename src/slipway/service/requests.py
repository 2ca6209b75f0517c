"""What every request gets, whoever answers it: an id, a line in the log, its place in the metrics, headers, and an end."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from slipway.patterns import pattern
from slipway.service.asgi import header, refuse
from slipway.service.logs import REQUEST_ID

if TYPE_CHECKING:
    from slipway.service.asgi import App, Message, Receive, Scope, Send
    from slipway.service.metrics import Metrics

_LOG: Final = logging.getLogger("slipway.access")
_GONE: Final = 499  # the client, or we: nothing was answered
_ID: Final = pattern(r"[A-Za-z0-9._:=-]{1,128}")
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
# For those who do not say anything themselves: answers hold records of projects, and no page of a browser.
_UNLESS_GIVEN: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Requests:
    """Around all others. `scope["state"]["request_id"]` is the caller's `X-Request-ID` where it is a sound one, else a new one."""

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        given = header(scope, b"x-request-id").decode("latin-1")
        request_id = given if _ID.fullmatch(given) else str(uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        REQUEST_ID.set(request_id)
        path = str(scope["path"])  # as it was asked for: those inside may shorten it
        status = size = 0

        async def counted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                head = list(message.get("headers", ()))
                names = {name.lower() for name, _ in head}
                head += [*_HEADERS, (b"x-request-id", request_id.encode())]
                head += [each for each in _UNLESS_GIVEN if each[0] not in names]
                message["headers"] = head
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except asyncio.CancelledError:
            raise
        except Exception:
            logging.getLogger(__name__).exception("a request failed")
            if status:
                raise  # half an answer is out: the connection has to end
            await refuse(scope, counted, 500, "This is a fault of the service; its log knows more.")
        finally:
            self._end(scope, path, status or _GONE, size, perf_counter() - begun)

    def _end(self, scope: Scope, path: str, status: int, size: int, seconds: float) -> None:
        method = str(scope["method"])
        self._metrics.observe(method, path, status, seconds)
        if not _LOG.isEnabledFor(logging.INFO):
            return
        state = scope["state"]
        actor = state.get("actor")
        client = scope.get("client")
        fields = {
            "method": method,
            "path": path[:500],
            "status": status,
            "ms": round(seconds * 1000, 2),
            "bytes": size,
            "actor": actor.name if actor else "",
            "client": client[0] if client else "",
            "request_id": state["request_id"],
        }
        _LOG.info("request", extra={"fields": fields})
