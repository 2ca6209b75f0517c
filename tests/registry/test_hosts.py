from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from slipway.errors import UsageError
from slipway.registry.hosts import Endpoint, endpoint, is_loopback

if TYPE_CHECKING:
    from slipway.settings import Settings
    from tests.registry.real import RealRegistry


def test_names(settings: Settings) -> None:
    assert endpoint("docker.io", settings).url == "https://registry-1.docker.io"
    assert endpoint("registry.example.org", settings).url == "https://registry.example.org"
    assert endpoint("registry.example.org:5000", settings).url == "https://registry.example.org:5000"


def test_plain_when_asked(settings: Settings) -> None:
    settings = settings.with_(plain_http="a.example:5000 b.example")
    assert endpoint("a.example:5000", settings).plain
    assert endpoint("b.example", settings).plain
    assert not endpoint("a.example", settings).plain
    assert not endpoint("docker.io", settings).plain


def test_mirror(settings: Settings) -> None:
    mirrored = settings.with_(registry_mirror="mirror.example:5000")
    assert endpoint("docker.io", mirrored) == Endpoint("mirror.example:5000")
    assert endpoint("docker.io", mirrored, push=True) == Endpoint("registry-1.docker.io")
    assert endpoint("other.example", mirrored) == Endpoint("other.example")
    plain = settings.with_(registry_mirror="http://mirror.example/")
    assert endpoint("docker.io", plain) == Endpoint("mirror.example", plain=True)
    for wrong in ("ftp://x", "http://", "a.example/path", "me@a.example"):
        with pytest.raises(UsageError, match="registry_mirror"):
            endpoint("docker.io", settings.with_(registry_mirror=wrong))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.3.2.1", True),
        ("[::1]:5000", True),
        ("[::1]", True),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("10.0.0.1:5000", False),
        ("[fe80::1]:5000", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_the_protocol_of_this_machine_is_found_out(
    settings: Settings, registry: RealRegistry, tls_registry: RealRegistry
) -> None:
    assert endpoint(registry.host, settings).plain
    assert not endpoint(tls_registry.host, settings).plain
    assert endpoint(tls_registry.host.replace("127.0.0.1", "localhost"), settings).url.startswith("https:")


def test_finding_out_is_cheap(settings: Settings, registry: RealRegistry, tls_registry: RealRegistry) -> None:
    for one in (registry, tls_registry):
        times = []
        for _ in range(10):
            start = time.perf_counter()
            endpoint(one.host, settings)
            times.append(time.perf_counter() - start)
        assert min(times) < 0.005


def test_nobody_there(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        endpoint(f"127.0.0.1:{taken.getsockname()[1]}", settings)


def test_no_question_when_offline(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        endpoint(f"127.0.0.1:{server.getsockname()[1]}", settings.with_(offline=True))
        with pytest.raises(TimeoutError):
            server.accept()
