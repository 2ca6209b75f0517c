"""Registries to talk to. Other test packages import the fixtures that they need from here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from slipway.net import Client
from slipway.settings import Settings
from tests.registry.faults import FaultRegistry, fault_registry
from tests.registry.real import RealRegistry, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the proxies, logins and authorities of the person who runs it."""
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=tmp_path / "store", cache=tmp_path / "cache", timeout=5.0)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long retries would have waited; they do not."""
    naps: list[float] = []
    monkeypatch.setattr(Client, "pause", lambda _, seconds: naps.append(seconds))
    return naps


@pytest.fixture
def faulty() -> Iterator[FaultRegistry]:
    """A registry that can be told to misbehave."""
    with fault_registry() as registry:
        yield registry


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A real registry for everybody, without TLS; use repository names of your own."""
    with running(tmp_path_factory.mktemp("registry")) as running_one:
        yield running_one


@pytest.fixture(scope="session")
def login_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A real registry that wants a password (Basic), without TLS."""
    with running(tmp_path_factory.mktemp("registry-login"), login=True) as running_one:
        yield running_one


@pytest.fixture(scope="session")
def tls_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A real registry with TLS, whose certificate a private authority signed, that wants a password."""
    with running(tmp_path_factory.mktemp("registry-tls"), login=True, tls=True) as running_one:
        yield running_one
