"""Connections that only wait cost little and end: uvicorn's protocol with limits that it does not have.

A request's head has to come whole within some seconds and bytes, whoever reads an answer has to go on reading, and where there
are too many connections the one goes that has waited longest without a request. Slow clients, however many, so
leave room for others.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

_HEAD_SECONDS: Final = 10.0
_HEAD_BYTES: Final = 64 << 10
_STALLED: Final = 30.0  # seconds without a byte taken of what is ready
_OTHER_FILES: Final = 512  # descriptors for databases, artifacts and their servers
_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


class Waiting:
    """The connections of a server on which no request is being answered, the oldest first; `limit` is for all connections."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.oldest: dict[PatientProtocol, None] = {}

    def add(self, connection: PatientProtocol, count: int) -> None:
        self.oldest.pop(connection, None)
        self.oldest[connection] = None
        if count > self.limit:
            next(iter(self.oldest)).transport.abort()

    def remove(self, connection: PatientProtocol) -> None:
        self.oldest.pop(connection, None)


def room(wanted: int) -> int:
    """How many connections there can be: the limit of open files is raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(16, min(wanted, soft - _OTHER_FILES))


class PatientProtocol(HttpToolsProtocol):
    def __init__(self, *args: Any, waiting: Waiting, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._waiting = waiting
        self._head: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = True
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head = self.loop.call_later(_HEAD_SECONDS, transport.abort)
        self._waiting.add(self, len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        self._waiting.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_head:
            self._head_bytes = 0
            if self._head is not None:
                self._head.cancel()
                self._head = None
        elif self._head_bytes > _HEAD_BYTES:
            self.transport.write(_TOO_LONG)
            self.transport.close()
        elif self._head is None:
            self._head = self.loop.call_later(_HEAD_SECONDS, self.transport.abort)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            # RFC 9112, section 3.2: two servers could see two requests in it; the parser makes a 400 of the error
            raise ValueError("a request has to name one host")
        self._in_head = False
        self._waiting.remove(self)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._waiting.add(self, len(self.connections))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size() + 1)

    def resume_writing(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def _watch(self, before: int) -> None:
        """Look again and again whether the client takes what is ready for it."""
        left = self.transport.get_write_buffer_size()
        if left >= before:
            self.transport.abort()
        else:
            self._stalled = self.loop.call_later(_STALLED, self._watch, left)

    def _cancel(self) -> None:
        for timer in (self._head, self._stalled):
            if timer is not None:
                timer.cancel()
        self._head = self._stalled = None
