"""A proxy in front of a real S3 server that breaks the requests it is told to: the server behind it is right, the way to it is not."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import struct
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PIECE = 64 * 1024
_HOP = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


@dataclass
class Fault:
    """What happens to the requests of `method` whose path and query have `part` in them, `times` times."""

    act: Callable[[Handler], None]
    method: str = "GET"
    part: str = ""
    times: int = 1_000_000


@dataclass
class State:
    """`requests` are those that came, in order, as method and path; `released` ends what hangs."""

    port: int
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def handle_one(self) -> None:
        state = self.server.state
        state.requests.append((self.command, self.path))
        for fault in state.faults:
            if fault.times and fault.method == self.command and fault.part in self.path:
                fault.times -= 1
                fault.act(self)
                return
        self.forward()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one  # noqa: N815 - names of the base class

    def forward(self, cut: int | None = None, *, silent: bool = False) -> None:
        """Ask the server. `cut`: close the connection after so many bytes of its answer; `silent`: give none of it."""
        left = int(self.headers.get("Content-Length") or 0)
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.state.port, timeout=30)
        with contextlib.closing(upstream):
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP:
                    upstream.putheader(name, value)
            upstream.endheaders()
            while left:
                piece = self.rfile.read(min(left, _PIECE))
                if not piece:
                    self.close_connection = True
                    return
                left -= len(piece)
                upstream.send(piece)
            answer = upstream.getresponse()
            if silent:
                answer.read()
                self.reset()
                return
            length = answer.getheader("Content-Length")
            # an answer whose length is not told is gathered, and its length told: then the other side can see a cut
            body = None if length or self.command == "HEAD" or answer.status == 204 else answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            if body is not None:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            source = answer if body is None else io.BytesIO(body)
            left = sys.maxsize if cut is None else cut
            while left and (piece := source.read(min(left, _PIECE))):
                self.wfile.write(piece)
                left -= len(piece)
            self.wfile.flush()
            self.close_connection |= cut is not None

    def refuse(self, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = True
        self._drain()

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        # before the base class says goodbye in order
        self.connection.shutdown(socket.SHUT_RD)

    def _drain(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        with contextlib.suppress(OSError):
            while length > 0 and (piece := self.rfile.read(min(length, _PIECE))):
                length -= len(piece)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in the base class
        pass


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state = State(urlsplit(upstream).port or 80)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that went away are what is tried here


@contextlib.contextmanager
def proxy(upstream: str) -> Iterator[Proxy]:
    server = Proxy(upstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.state.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def refuse(status: int, code: str) -> Callable[[Handler], None]:
    return lambda handler: handler.refuse(status, code)


def reset(handler: Handler) -> None:
    handler.reset()


def cut(size: int) -> Callable[[Handler], None]:
    return lambda handler: handler.forward(size)


def lose_answer(handler: Handler) -> None:
    handler.forward(silent=True)


def hang(handler: Handler) -> None:
    handler.server.state.released.wait(30)
    handler.close_connection = True
