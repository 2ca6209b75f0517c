"""A real server against clients that are slow on purpose."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from slipway.service import connections
from slipway.service.app import Application
from slipway.service.server import Server
from tests.service.app.asking import echo, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.asgi import Receive, Scope, Send

LIVE = b"GET /healthz/live HTTP/1.1\r\nhost: localhost\r\n\r\n"


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000):
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def served(limit: int = 1000) -> Iterator[tuple[str, int]]:
    with running(limit) as (_, place):
        yield place


@contextmanager
def running(limit: int = 1000) -> Iterator[tuple[Server, tuple[str, int]]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready = threading.Event()
        server = Server(Application(service(), {"": echo, "/large": large}, {}), None, limit, ready.set)
        thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listener]),))
        # signals are for the main thread, which is the tests' own
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
        thread.start()
        assert ready.wait(10)
        try:
            yield server, listener.getsockname()
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def answer(place: tuple[str, int], request: bytes = LIVE) -> bytes:
    with socket.create_connection(place, timeout=5) as connection:
        connection.sendall(request)
        return connection.recv(4096)


def whole(connection: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"{}\n"):
        said += connection.recv(4096)
    return said


def closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost: x\r\n", LIVE + b"GET /"])
def test_a_head_that_does_not_come_whole(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.2)
    with served() as place, socket.create_connection(place, timeout=5) as slow:
        slow.sendall(sent)
        if sent.startswith(LIVE):
            assert whole(slow).startswith(b"HTTP/1.1 200")
        assert closed(slow)
        assert answer(place).startswith(b"HTTP/1.1 200")


def test_a_head_without_end() -> None:
    with served() as place, socket.create_connection(place, timeout=5) as one:
        one.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000)
        assert one.recv(4096).startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz/live HTTP/1.1\r\n", b"400"),
        (b"GET /healthz/live HTTP/1.1\r\nhost: localhost\r\nHost: other\r\n", b"400"),
        (b"GET /healthz/live HTTP/1.0\r\n", b"200"),
    ],
)
def test_a_request_names_one_host(head: bytes, status: bytes) -> None:
    with served() as place:
        assert answer(place, head + b"\r\n").startswith(b"HTTP/1.1 " + status)
        assert answer(place).startswith(b"HTTP/1.1 200")


def test_connections_are_kept_between_requests() -> None:
    with served() as place, socket.create_connection(place, timeout=5) as one:
        for _ in range(3):
            one.sendall(LIVE)
            assert whole(one).startswith(b"HTTP/1.1 200")


def test_whoever_waits_longest_makes_room() -> None:
    with served(limit=20) as place:
        slow = [socket.create_connection(place, timeout=5) for _ in range(50)]
        try:
            for each in slow:
                each.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(10):
                assert answer(place).startswith(b"HTTP/1.1 200")
            assert closed(slow[0])
        finally:
            for each in slow:
                each.close()


def test_whoever_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_STALLED", 0.2)
    with running() as (server, place), socket.create_connection(place, timeout=5) as lazy:
        lazy.sendall(b"GET /large/x HTTP/1.1\r\nhost: x\r\n\r\n")
        pause = threading.Event()
        assert any(server.server_state.connections or pause.wait(0.01) for _ in range(500))
        assert any(not server.server_state.connections or pause.wait(0.01) for _ in range(500))


def test_room_is_what_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    assert connections.room(16000) == 4096 - 512
    assert limits[-1] == (4096, 4096)
    assert connections.room(100) == 100
