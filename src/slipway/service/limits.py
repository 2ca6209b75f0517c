"""What a caller may use: bytes and seconds for the body of a request, and requests in a second."""

from __future__ import annotations

import asyncio
import math
from time import monotonic
from typing import TYPE_CHECKING, Final

from slipway.service.asgi import header, turn_away

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.service.asgi import App, Message, Receive, Scope, Send

_WHOLE: Final = 30.0  # seconds for a small body
_SILENCE: Final = 60.0  # seconds without a byte of an upload
_BUFFERED: Final = 256 << 20  # bytes of small bodies at a time
_CALLERS: Final = 10_000  # whose rate is remembered


class Bodies:
    """Reads small bodies before anyone works on the request; hands uploads on as they come.

    `limit` and `upload_limit` are bytes, 0 for any number; `streamed` tells which requests are uploads.
    """

    def __init__(self, app: App, limit: int, upload_limit: int, streamed: Callable[[Scope], bool]) -> None:
        self._app = app
        self._limit = limit
        self._upload_limit = upload_limit
        self._streamed = streamed
        self._buffered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = header(scope, b"content-length")
        if length in (b"", b"0") and not header(scope, b"transfer-encoding"):
            await self._app(scope, receive, send)
            return
        upload = self._streamed(scope)
        limit = self._upload_limit if upload else self._limit
        if limit and length.isdigit() and int(length) > limit:
            await _too_large(scope, receive, send, limit)
        elif upload:
            await self._app(scope, _Upload(receive, limit), send)
        else:
            await self._small(scope, receive, send)

    async def _small(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        try:
            async with asyncio.timeout(_WHOLE):
                whole = await self._read(receive, body)
        except TimeoutError:
            await turn_away(scope, receive, send, 408, f"The body has to come within {_WHOLE:.0f} seconds.")
            return
        finally:
            self._buffered -= len(body)
        if whole:
            await self._app(scope, _replay(bytes(body), receive), send)
        elif self._limit and len(body) > self._limit:
            await _too_large(scope, receive, send, self._limit)
        elif self._buffered + len(body) > _BUFFERED:
            detail = "Too much is being sent at once."
            await turn_away(scope, receive, send, 503, detail, ((b"retry-after", b"1"),))

    async def _read(self, receive: Receive, body: bytearray) -> bool:
        """Whether all has come: the client may have gone, or sent too much."""
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return False
            piece = event.get("body", b"")
            body += piece
            self._buffered += len(piece)
            if (self._limit and len(body) > self._limit) or self._buffered > _BUFFERED:
                return False
            if not event.get("more_body", False):
                return True


def _replay(body: bytes, receive: Receive) -> Receive:
    """The whole body once; after that what comes."""
    first: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replayed() -> Message:
        nonlocal first
        if first is None:
            return await receive()
        event, first = first, None
        return event

    return replayed


class _Upload:
    """What comes, until it is too much or nothing comes for too long: then the client is as good as gone."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(_SILENCE):
                event = await self._receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        self._size += len(event.get("body", b""))
        self._whole = not event.get("more_body", False)
        if self._limit and self._size > self._limit:
            return {"type": "http.disconnect"}
        return event


async def _too_large(scope: Scope, receive: Receive, send: Send, limit: int) -> None:
    await turn_away(scope, receive, send, 413, f"The body may have {limit} bytes at most.")


class Rates:
    """A bucket of tokens for each caller: full it holds two seconds' worth (at least one request), so that a short burst passes.

    `rate` is in requests a second; `clock` gives seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._most = max(2 * rate, 1.0)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, caller: str) -> int:
        """0 when the request may pass, else whole seconds after which the next one may."""
        if not self._rate:
            return 0
        now = self._clock()
        tokens, then = self._buckets.pop(caller, (self._most, now))
        tokens = min(self._most, tokens + (now - then) * self._rate)
        passes = tokens >= 1
        self._buckets[caller] = (
            tokens - 1 if passes else tokens,
            now,
        )  # at the end: the first is the one longest away
        if len(self._buckets) > _CALLERS:
            del self._buckets[next(iter(self._buckets))]
        return 0 if passes else max(1, math.ceil((1 - tokens) / self._rate))
