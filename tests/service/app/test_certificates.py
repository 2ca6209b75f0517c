"""A certificate that is renewed while connections are made."""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from slipway.errors import UsageError
from slipway.service.certificates import Certificate
from tests.registry.real import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = ("server.pem", "server.key")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders with a certificate each, of an authority of its own."""
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    for folder in folders:
        make_certificates(folder)
    return folders


@pytest.fixture
def place(tmp_path: Path, pairs: list[Path]) -> Path:
    for name in FILES:
        shutil.copy(pairs[0] / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def certificate(place: Path) -> Certificate:
    return Certificate(*(str(place / name) for name in FILES))


@contextmanager
def serving(certificate: Certificate, seconds: float = 3600) -> Iterator[int]:
    """The port of a server that ends connections as soon as they are made, and looks at the files every so many seconds."""
    ready, stop, port = threading.Event(), threading.Event(), 0

    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def main() -> None:
        nonlocal port
        watching = asyncio.create_task(certificate.watch(seconds))
        async with await asyncio.start_server(hello, "127.0.0.1", 0, ssl=certificate.context) as server:
            port = int(server.sockets[0].getsockname()[1])
            ready.set()
            await asyncio.to_thread(stop.wait)
        watching.cancel()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield port
    finally:
        stop.set()
        thread.join()


def shown(port: int, pair: Path, host: str = "127.0.0.1") -> bool:
    """Whether the server has this certificate: with a name, which the client tells the server, or without."""
    found = ssl.get_server_certificate((host, port), ca_certs=str(pair / "ca.pem"), timeout=10)
    return ssl.PEM_cert_to_DER_cert(found) == ssl.PEM_cert_to_DER_cert((pair / FILES[0]).read_text())


def put(place: Path, pair: Path, *names: str) -> None:
    """As ACME clients do: a new file, renamed to its place."""
    for name in names or FILES:
        shutil.copy(pair / name, place / f".{name}")
        (place / f".{name}").replace(place / name)


def look(certificate: Certificate) -> None:
    """As often as it takes until what does not change is used."""
    certificate.look()
    certificate.look()


def messages(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in caplog.records if "certificate" in each.message]


def test_new_connections_see_a_renewed_one(
    certificate: Certificate, place: Path, pairs: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one, two = pairs
    with serving(certificate) as port:
        assert shown(port, one)
        look(certificate)
        assert shown(port, one, "localhost")
        assert messages(caplog) == []
        put(place, two)
        certificate.look()
        assert shown(port, one)  # the files might still change
        certificate.look()
        assert shown(port, two)
        assert shown(port, two, "localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            shown(port, one)
        look(certificate)
        put(place, one)
        look(certificate)
        assert shown(port, one)
    assert [level for level, _ in messages(caplog)] == ["INFO", "INFO"]


@pytest.mark.parametrize("broken", ["half", "other key", "gone", "empty"])
def test_a_broken_pair_leaves_the_old_one(
    certificate: Certificate, place: Path, pairs: list[Path], broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one, two = pairs
    if broken == "half":
        put(place, two)
        key = (place / FILES[1]).read_bytes()
        (place / FILES[1]).write_bytes(key[: len(key) // 2])
    elif broken == "other key":
        put(place, two, FILES[0])
    elif broken == "gone":
        (place / FILES[1]).unlink()
    else:
        (place / FILES[0]).write_bytes(b"")
    with serving(certificate) as port:
        for _ in range(3):
            look(certificate)
            assert shown(port, one)
        [(level, text)] = messages(caplog)
        assert (level, str(place) in text, "PRIVATE KEY" in text) == ("WARNING", True, False)
        put(place, two)
        look(certificate)
        assert shown(port, two)
    assert [level for level, _ in messages(caplog)] == ["WARNING", "INFO"]


def test_it_is_watched(certificate: Certificate, place: Path, pairs: list[Path]) -> None:
    with serving(certificate, 0.01) as port:
        put(place, pairs[1])
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(ssl.SSLCertVerificationError):
                assert shown(port, pairs[1])
                return
    pytest.fail("the new certificate is not used")


def test_a_pair_that_cannot_be_used_is_told_at_the_start(place: Path, pairs: list[Path]) -> None:
    put(place, pairs[1], FILES[0])
    with pytest.raises(UsageError, match="does not fit"):
        Certificate(*(str(place / name) for name in FILES))
    with pytest.raises(UsageError, match="No such file"):
        Certificate(str(place / "none"), str(place / FILES[1]))
