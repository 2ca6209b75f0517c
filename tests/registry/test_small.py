"""Pushes of little, over the connection that has asked what is there; and what happens when that does not work out."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from slipway.events import Reporter, StepMoved
from slipway.registry.push import push
from slipway.registry.reference import parse
from tests.images.making import Maker, member
from tests.registry.faults import cut_upload, fault_registry, status, unanswered

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.events import Event
    from slipway.oci.store import Descriptor
    from tests.registry.faults import Fault, FaultRegistry, RegistryHandler
    from tests.registry.real import RealRegistry

QUIET = Reporter()


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def image(maker: Maker, text: str, tag: str = "") -> Descriptor:
    base = maker.layer(member("base", bytes(range(256)) * 4096))
    return maker.image(base, maker.layer(member("top", text.encode())), tag=tag)


def test_one_changed_file_is_pushed_without_the_http_client(registry: RealRegistry, maker: Maker) -> None:
    name = f"{registry.host}/small/light:1"
    push(maker.store, image(maker, "1"), parse(name), maker.settings, QUIET)
    changed = image(maker, "2", tag="hello:1")
    code = (
        "import sys; from slipway.cli.main import run\n"
        f"status = run(['--store', {str(maker.store.root)!r}, 'image', 'push', 'hello:1', {name!r}])\n"
        "heavy = {'httpx2', 'ssl', 'http.client', 'email', 'rich'} & set(sys.modules)\n"
        "sys.exit(status or (str(heavy) if heavy else 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{name}@{changed.digest}"


def test_login_and_tls(tls_registry: RealRegistry, maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_registry.ca))
    reference, login = (
        parse(f"{tls_registry.host}/small/tls:1"),
        (tls_registry.user, tls_registry.password),
    )
    for text, sent in (("1", 3), ("2", 2)):
        done = push(maker.store, image(maker, text), reference, maker.settings, QUIET, login=login)
        assert (done.uploaded, done.skipped) == (sent, 3 - sent)


def test_what_is_sent_and_told(maker: Maker) -> None:
    with fault_registry() as registry:
        reference = parse(f"{registry.host}/team/app:1")
        push(maker.store, image(maker, "1"), reference, maker.settings, QUIET)
        registry.seen.clear()
        events: list[Event] = []
        made = image(maker, "2")
        done = push(maker.store, made, reference, maker.settings, Reporter(events.append))
        first, *blobs, last = registry.methods("team")
        assert (first, last) == ("HEAD", "PUT")
        assert sorted(blobs) == sorted(["HEAD", "POST", "PUT"] * 2)  # side by side
        assert (done.uploaded, done.skipped, done.mounted) == (2, 1, 0)
        assert [e.done for e in events if isinstance(e, StepMoved)][-1] == done.bytes
        assert registry.manifests["team/app", "1"][0] == maker.store.read(made.digest)


def away(handler: RegistryHandler, _: object) -> None:
    """An upload that is to go to another host."""
    handler.body()
    handler.reply(202, headers={"Location": "http://127.0.0.2:1/v2/team/app/blobs/uploads/1"})


def unusable(handler: RegistryHandler, _: object) -> None:
    """An upload at an address that is none."""
    handler.body()
    handler.reply(202, headers={"Location": "http://[::1/v2/team/app/blobs/uploads/1"})


def foreign(handler: RegistryHandler, _: object) -> None:
    """An upload at an address in letters that no address has."""
    handler.body()
    handler.reply(202, headers={"Location": "/v2/team/app/blobs/uploads/\xe9"})


def chatty(handler: RegistryHandler, _: object) -> None:
    """An answer without a length."""
    handler.body()
    handler.wfile.write(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    handler.close_connection = True


def garbage(handler: RegistryHandler, _: object) -> None:
    handler.body()
    handler.wfile.write(b"SMTP ready\r\n\r\n")
    handler.close_connection = True


def wrong_digest(handler: RegistryHandler, _: object) -> None:
    handler.body()
    handler.reply(201, headers={"Docker-Content-Digest": "sha256:" + "0" * 64})


@pytest.mark.parametrize(
    ("method", "path", "fault"),
    [
        ("HEAD", "/blobs/sha256", status(500)),
        ("POST", "/uploads/", status(429, Retry_After="0")),
        ("POST", "/uploads/", status(202)),  # without a Location
        ("POST", "/uploads/", away),
        ("POST", "/uploads/", unusable),
        ("POST", "/uploads/", foreign),
        ("POST", "/uploads/", chatty),
        ("POST", "/uploads/", garbage),
        ("PUT", "/uploads/", cut_upload(3)),
        ("PUT", "/uploads/", status(500)),
        ("PUT", "/manifests/", status(503)),
        ("PUT", "/manifests/", unanswered),
        ("PUT", "/manifests/", wrong_digest),
    ],
)
def test_whatever_else_is_left_to_the_session(
    maker: Maker, naps: list[float], method: str, path: str, fault: Fault
) -> None:
    with fault_registry() as registry:
        reference = parse(f"{registry.host}/team/app:1")
        push(maker.store, image(maker, "1"), reference, maker.settings, QUIET)
        registry.fault(method, path, fault)
        made = image(maker, "2")
        done = push(maker.store, made, reference, maker.settings, QUIET)
        assert registry.faults == []
        assert done.digest == made.digest
        assert_whole(registry, maker, made)
    assert naps == []


def assert_whole(registry: FaultRegistry, maker: Maker, image: Descriptor) -> None:
    assert registry.manifests["team/app", "1"][0] == maker.store.read(image.digest)
    parts = maker.store.read_json(image.digest)
    assert {d["digest"] for d in (*parts["layers"], parts["config"])} <= registry.repositories["team/app"]
