"""An HTTP server on loopback that can be told to misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


@dataclass
class Resource:
    """What is at a path; each request takes one of `faults`, and is served well when none is left."""

    data: bytes = b""
    ranges: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    faults: list[Callable[[Handler, Resource], None]] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two small packets: do not hold back the second
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers.items())))
        resource = self.server.resources.get(self.path)
        if resource is None:
            self.answer(404)
        elif resource.faults:
            resource.faults.pop(0)(self, resource)
        else:
            self.serve(resource)

    def serve(self, resource: Resource, *, cut: int | None = None) -> None:
        etag, modified = resource.headers.get("ETag"), resource.headers.get("Last-Modified")
        if (etag and self.headers.get("If-None-Match") == etag) or (
            modified and self.headers.get("If-Modified-Since") == modified
        ):
            self.answer(304, headers=resource.headers)
            return
        asked = re.match(r"bytes=(\d+)-\Z", self.headers.get("Range", ""))
        if asked and resource.ranges and self.headers.get("If-Range", etag) == etag:
            start, size = int(asked[1]), len(resource.data)
            if start >= size:
                self.answer(416, headers={"Content-Range": f"bytes */{size}"})
                return
            headers = {**resource.headers, "Content-Range": f"bytes {start}-{size - 1}/{size}"}
            self.answer(206, resource.data[start:], headers, cut)
        else:
            self.answer(200, resource.data, resource.headers, cut)

    def answer(
        self, status: int, data: bytes = b"", headers: dict[str, str] | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in the base class
        pass


class Server(ThreadingHTTPServer):
    """`requests` records (path, headers) in the order of arrival; `released` ends what hangs."""

    daemon_threads = False  # closing waits for every handler, so that no socket outlives a test

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.resources: dict[str, Resource] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()
        self._open: set[socket.socket] = set()
        self._scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, path: str) -> str:
        return f"{self._scheme}://127.0.0.1:{self.server_port}{path}"

    def add(self, path: str, data: bytes = b"", **kw: object) -> Resource:
        self.resources[path] = Resource(data, **kw)  # type: ignore[arg-type]
        return self.resources[path]

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of every request for `path`."""
        return [headers for p, headers in self.requests if p == path]

    def stop(self) -> None:
        self.released.set()
        self.shutdown()
        for connection in list(
            self._open
        ):  # a handler may wait for the next request of a client that lives on
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def cut(size: int) -> Callable[[Handler, Resource], None]:
    """Close the connection after `size` bytes of the body."""
    return lambda handler, resource: handler.serve(resource, cut=size)


def status(code: int, **headers: str) -> Callable[[Handler, Resource], None]:
    return lambda handler, _: handler.answer(
        code, b"no", {k.replace("_", "-"): v for k, v in headers.items()}
    )


def redirect(target: str, code: int = 302) -> Callable[[Handler, Resource], None]:
    return lambda handler, _: handler.answer(code, headers={"Location": target})


def instead(data: bytes) -> Callable[[Handler, Resource], None]:
    return lambda handler, resource: handler.serve(Resource(data, ranges=False))


def hang(after: int | None = None) -> Callable[[Handler, Resource], None]:
    """Say nothing more, before the answer or after so many bytes, until the test is over."""

    def fault(handler: Handler, resource: Resource) -> None:
        if after is not None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(resource.data)))
            handler.end_headers()
            handler.wfile.write(resource.data[:after])
            handler.wfile.flush()
        handler.server.released.wait(20)
        handler.close_connection = True

    return fault
