"""`slipway serve` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from slipway.cli.exits import USAGE
from tests.registry.real import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

SLIPWAY = Path(sys.executable).with_name("slipway")
STORE = 6


class Running:
    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("serving on "), log.read_text()
        self.url = line.split()[-1]

    def ask(self, path: str, body: Any = None, **more: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20, **more) as answer:
            return json.load(answer)

    def said(self, text: str) -> bool:
        """Whether the log says so, within some seconds: it is written beside the work."""
        for _ in range(100):
            if any(text in line["message"] for line in self.lines()):
                return True
            time.sleep(0.05)
        return False

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(home), **more}


@contextmanager
def serving(home: Path, *options: str, **more: str) -> Iterator[Running]:
    log = home / f"log{len(list(home.glob('log*')))}"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [SLIPWAY, "serve", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(home, **more),
            text=True,
        )
    try:
        yield Running(process, log)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def refused(home: Path, *options: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [SLIPWAY, "serve", *options],
        env=environment(home, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.slow
def test_it_starts_with_nothing_and_keeps_what_it_has(tmp_path: Path) -> None:
    with serving(tmp_path, S3_STS_ENDPOINT="x") as one:
        made = one.ask("/apis/ims/v3/images", {"name": "compute"})
        assert one.ask("/healthz/ready") == {}
        assert one.ask("/v4/openapi.json")["openapi"].startswith("3.1")
        data = tmp_path / ".local/share/slipway/service"
        assert (data / "service.db").is_file()
        assert data.stat().st_mode & 0o077 == 0
        status, said = refused(tmp_path, "--port", "0")
        assert (status, f"another service works in {data}" in said) == (STORE, True)
        status, said = refused(tmp_path, "--port", one.url.rpartition(":")[2])
        assert (status, "is in use" in said) == (USAGE, True)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(30) == 0
        assert one.said("S3_STS_ENDPOINT")
        assert one.lines()[-1]["message"] == "stopped"
    with serving(tmp_path) as again:
        assert again.ask(f"/v3/images/{made['id']}") == made
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(30) == 0


@pytest.mark.slow
def test_a_request_is_finished_before_it_stops(tmp_path: Path) -> None:
    with serving(tmp_path) as one:
        host, _, port = one.url.removeprefix("http://").partition(":")
        body = b'{"name": "late"}'
        head = f"POST /v3/images HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(head.encode() + body[:5])
            time.sleep(0.3)
            one.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[5:])
            assert connection.recv(4096).startswith(b"HTTP/1.1 201")
        assert one.process.wait(30) == 0


@pytest.mark.slow
def test_tls(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    files = ("--tls-certificate", str(tmp_path / "server.pem"), "--tls-key", str(tmp_path / "server.key"))
    with serving(tmp_path, *files) as one:
        assert one.url.startswith("https://")
        assert one.ask("/healthz/live", context=context) == {}
        renewed = tmp_path / "renewed"
        renewed.mkdir()
        make_certificates(renewed)
        for name in ("server.key", "server.pem"):
            (renewed / name).replace(tmp_path / name)
        assert any(one.said("the certificate was renewed") for _ in range(4))
        assert one.ask("/healthz/live", context=ssl.create_default_context(cafile=renewed / "ca.pem")) == {}
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            one.ask("/healthz/live", context=context)


@pytest.mark.slow
def test_tokens_are_asked_for(tmp_path: Path) -> None:
    options = ("--host", "0.0.0.0", "--issuer", "http://127.0.0.1:1", "--audience", "x")
    with serving(tmp_path, *options) as one:
        address = f"http://127.0.0.1:{one.url.rpartition(':')[2]}"
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{address}/v3/images", timeout=10)
        assert caught.value.code == 401
        caught.value.close()
        assert one.said("keys of the issuer")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--host", "0.0.0.0"), USAGE, "no sign-in"),
        (("--host", "no-such-host.invalid", "--insecure-public"), USAGE, "cannot listen"),
        (("--data", "/proc/nothing"), STORE, "cannot write in /proc/nothing"),
        (("--database", "postgresql://me:hush@db/x"), USAGE, "SLIPWAY_SERVICE_DATABASE"),
        (("--database", "postgresql://me@127.0.0.1:1/x"), STORE, "cannot be used"),
        (("--tls-certificate", "/none", "--tls-key", "/none"), USAGE, "certificate cannot be used"),
        (("--issuer", "http://sso.example.org", "--audience", "x"), USAGE, "not an https address"),
    ],
)
def test_what_does_not_start(tmp_path: Path, options: tuple[str, ...], status: int, said: str) -> None:
    code, text = refused(tmp_path, "--port", "0", *options)
    assert (code, said in text) == (status, True), text
    assert "hush" not in text


@pytest.mark.slow
def test_an_s3_server_that_is_not_there(tmp_path: Path) -> None:
    keys = {"S3_ENDPOINT": "http://127.0.0.1:1", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "hush"}
    code, text = refused(tmp_path, "--port", "0", **keys)
    assert code == STORE
    assert "S3 server" in text
    assert "hush" not in text


@pytest.mark.slow
def test_a_database_of_a_newer_release(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/d/service.db"
    done = subprocess.run(
        [SLIPWAY, "service", "migrate", "--data", f"{tmp_path}/d"],
        env=environment(tmp_path),
        check=True,
        capture_output=True,
    )
    assert b"the tables are those of this release" in done.stdout
    engine = sa.create_engine(database)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    code, text = refused(tmp_path, "--port", "0", "--data", f"{tmp_path}/d")
    assert (code, "newer release" in text) == (8, True)


@pytest.mark.slow
def test_what_is_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [SLIPWAY, "service", "check", "--json"], env=environment(tmp_path), check=True, capture_output=True
    )
    assert json.loads(done.stdout)["records"] == []
