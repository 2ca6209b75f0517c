"""Signed addresses over HTTP, from a real server, asked by those who may and those who may not."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import socket
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from slipway.service.artifacts.http import application
from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.artifacts.ranges import RangeError, span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BIG = os.urandom(3_000_000)
B = "boot-images"
PREFIX = "/artifacts"


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Server:
    """`storage` behind uvicorn."""

    def __init__(self, root: Path) -> None:
        self.clock = Clock()
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.storage = LocalArtifacts(root, f"http://127.0.0.1:{self.port}{PREFIX}", self.clock)
        inner = application(self.storage, self.clock, limit=5_000_000, patience=1)

        async def mounted(scope: Any, receive: Any, send: Any) -> None:
            scope["root_path"] = PREFIX
            await inner(scope, receive, send)

        config = uvicorn.Config(mounted, log_level="critical", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self.storage.close()

    def ask(
        self, method: str, address: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(address)
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})  # type: ignore[arg-type]
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path / "artifacts")
    yield found
    found.stop()


def test_get(server: Server) -> None:
    stat = server.storage.put(B, "a b/ü%.sqsh", [BIG], content_type="x/y", metadata={"md5sum": "7"})
    address = server.storage.url(B, "a b/ü%.sqsh", 60)
    status, headers, body = server.ask("GET", address)
    assert (status, body) == (200, BIG)
    assert headers["etag"] == f'"{stat.etag}"'
    assert headers["content-type"] == "x/y"
    assert headers["x-amz-meta-md5sum"] == "7"
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%BC%25.sqsh"
    status, headers, body = server.ask("HEAD", address)
    assert (status, headers["content-length"], body) == (200, str(len(BIG)), b"")
    assert server.ask("GET", address, headers={"If-None-Match": f'"x", W/"{stat.etag}"'})[0] == 304
    assert server.ask("GET", address, headers={"If-None-Match": '"x"'})[0] == 200


def test_empty(server: Server) -> None:
    server.storage.put(B, "e", [])
    assert server.ask("GET", server.storage.url(B, "e", 60))[::2] == (200, b"")
    assert server.ask("GET", server.storage.url(B, "e", 60), headers={"Range": "bytes=0-"})[0] == 416


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=5-", 5, None), ("bytes=0-0", 0, 1), ("bytes=-7", -7, None), ("bytes=9-99999999", 9, None)],
)
def test_ranges(server: Server, asked: str, start: int, stop: int | None) -> None:
    stat = server.storage.put(B, "k", [BIG])
    address = server.storage.url(B, "k", 60)
    status, headers, body = server.ask("GET", address, headers={"Range": asked})
    assert (status, body) == (206, BIG[start:stop])
    first = start % len(BIG)
    assert headers["content-range"] == f"bytes {first}-{first + len(body) - 1}/{len(BIG)}"
    given = {"Range": asked, "If-Range": f'"{stat.etag}"'}
    assert server.ask("GET", address, headers=given)[0] == 206
    assert server.ask("GET", address, headers={**given, "If-Range": '"other"'})[::2] == (200, BIG)


def test_ranges_that_are_none() -> None:
    for header in ("", "bytes", "bytes=-", "bytes=a-", "bytes=1-2,5-6", "bytes=5-4", "lines=1-2", "bytes=٣-"):
        assert span(header, 10) is None
    for header in ("bytes=10-", "bytes=-0", "bytes=999999999-"):
        with pytest.raises(RangeError):
            span(header, 10)


def test_beyond_the_end(server: Server) -> None:
    server.storage.put(B, "k", [b"one"])
    status, headers, _ = server.ask("GET", server.storage.url(B, "k", 60), headers={"Range": "bytes=3-"})
    assert (status, headers["content-range"]) == (416, "bytes */3")


def test_put(server: Server) -> None:
    address = server.storage.url(B, "k", 60, "PUT")
    given = {"Content-Type": "x/y", "x-amz-meta-MD5Sum": "7"}
    status, headers, body = server.ask("PUT", address, BIG, given)
    assert (status, body) == (200, b"")
    assert headers["etag"] == f'"{hashlib.md5(BIG).hexdigest()}"'
    stat = server.storage.head(B, "k")
    assert stat
    assert (stat.sha256, stat.content_type) == (hashlib.sha256(BIG).hexdigest(), "x/y")
    assert stat.metadata == {"md5sum": "7"}
    assert server.ask("GET", address)[0] == 403
    assert server.ask("PUT", server.storage.url(B, "k", 60), b"x")[0] == 403
    assert server.ask("PUT", address, b"")[0] == 200
    assert server.storage.read(B, "k", 1) == b""


def test_what_may_not_be_put(server: Server) -> None:
    address = server.storage.url(B, "k", 60, "PUT")
    assert server.ask("PUT", address, iter([b"some"]))[0] == 411
    assert server.ask("PUT", address, b"x", {"x-amz-meta-a": "b" * 3000})[0] == 400
    status, headers, body = server.ask("PUT", address, None, {"Content-Length": "5000001"})
    assert status == 413
    assert headers["content-type"] == "application/problem+json"
    assert b"5000000 bytes" in body
    assert server.storage.head(B, "k") is None
    assert not list((server.storage.root / "incoming").iterdir())


def test_who_sends_on_sees_why_it_was_refused(server: Server) -> None:
    address = server.storage.url(B, "k", 60, "PUT")
    for told in ({}, {"Content-Length": "6000000"}):
        pieces = (b"x" * 60_000 for _ in range(100))  # more than the buffers of both ends hold
        assert server.ask("PUT", address, pieces, told)[0] == (413 if told else 411)


@pytest.mark.parametrize("sent", [0, 10, 300_000])
def test_an_upload_that_breaks_off(server: Server, sent: int) -> None:
    server.storage.put(B, "k", [b"before"])
    parts = urlsplit(server.storage.url(B, "k", 60, "PUT"))
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n".encode()
        )
        client.sendall(b"x" * sent)
        time.sleep(0.2)
    deadline = time.monotonic() + 5
    while list((server.storage.root / "incoming").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not list((server.storage.root / "incoming").iterdir())
    assert server.storage.read(B, "k", 10) == b"before"


def test_who_sends_nothing_is_given_up(server: Server) -> None:
    parts = urlsplit(server.storage.url(B, "k", 60, "PUT"))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n".encode()
        )
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")


def test_addresses_that_are_not_ours(server: Server) -> None:
    server.storage.put(B, "k", [b"secret"])
    good = server.storage.url(B, "k", 60)
    head, _, signature = good.rpartition("=")
    expires = good.partition("expires=")[2].partition("&")[0]
    wrong = [
        good.partition("?")[0],
        f"{head}={'0' * 64}",
        f"{head}=",
        f"{head}={signature}0",
        good.replace("/k?", "/j?"),
        good.replace(B, "ims-other"),
        good.replace(f"expires={expires}", f"expires={int(expires) + 1}"),
        good.replace(f"expires={expires}", "expires=9e9"),
        good.replace("/k?", "/%2e%2e/k?"),
        good.replace("/k?", "/k%00?"),
        good.replace("/k?", "/?"),
        good.replace("?", "?" + "&".join(f"a{n}=1" for n in range(50)) + "&"),
        server.storage.url(B, "", 60),
        f"http://h{PREFIX}",
        f"http://h{PREFIX}/",
        f"http://h{PREFIX}/{B}/?list-type=2",
    ]
    for address in wrong:
        status, headers, body = server.ask("GET", address)
        assert (status, headers["content-type"]) == (403, "application/problem+json"), address
        assert b"secret" not in body
        assert signature.encode() not in body
    assert server.ask("GET", good)[0] == 200
    for method in ("POST", "DELETE", "PATCH", "OPTIONS"):
        assert server.ask(method, good)[0] == 405
    server.clock.ahead = 61
    assert server.ask("GET", good)[0] == 403
    assert server.ask("GET", server.storage.url(B, "missing", 60))[0] == 404


def test_replaced_while_it_is_sent(server: Server) -> None:
    large = os.urandom(1 << 20) * 16
    server.storage.put(B, "k", [large])
    parts = urlsplit(server.storage.url(B, "k", 60))
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        first = answer.read(1000)
        server.storage.put(B, "k", [b"other"])
        assert first + answer.read() == large


def test_slow_clients_do_not_hold_up_others(server: Server) -> None:
    server.storage.put(B, "large", [os.urandom(1 << 20)] * 32)
    server.storage.put(B, "small", [b"quick"])
    down, up = (urlsplit(server.storage.url(B, "large", 60, m)) for m in ("GET", "PUT"))
    slow = []
    for number in range(200):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        parts, method = (down, "GET") if number % 2 else (up, "PUT")
        length = "" if number % 2 else "Content-Length: 400000\r\n"
        client.sendall(
            f"{method} {parts.path}?{parts.query} HTTP/1.1\r\nHost: h\r\n{length}\r\n".encode()
            + b"x" * (number % 2 == 0)
        )
        slow.append(client)
    took = []
    for _ in range(20):
        start = time.monotonic()
        assert server.ask("GET", server.storage.url(B, "small", 60))[::2] == (200, b"quick")
        took.append(time.monotonic() - start)
    assert sorted(took)[10] < 5  # held up, it would wait for the patience of all
    for client in slow:
        client.close()


def test_servers_that_send_files_do(tmp_path: Path) -> None:
    storage = LocalArtifacts(tmp_path / "artifacts", "http://h")
    storage.put(B, "k", [b"bytes"])
    parts = urlsplit(storage.url(B, "k", 60))
    scope = {
        "type": "http",
        "method": "GET",
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": [],
        "extensions": {"http.response.pathsend": {}},
    }
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def ask() -> None:
        await application(storage, time.time)(scope, receive, send)

    asyncio.run(ask())
    assert sent[1]["type"] == "http.response.pathsend"
    with open(sent[1]["path"], "rb") as file:  # noqa: PTH123 - a path as the server gets it
        assert file.read() == b"bytes"
    storage.close()
