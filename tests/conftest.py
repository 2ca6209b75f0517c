"""Order of tests: fast ones first, so that a mistake shows early; a hermetic environment for all of them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import shared

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOCKER = ("docker.io", "containerd", "runc", "iptables", "iproute2")
_LATE = ("net", "docker", "slow")
_LONG = {  # more than half a minute
    "debian/test_real",
    "deletion/test_processes",
    "distro/test_resolve",
    "distro/test_scripts",
    "docs/test_examples",
    "e2e/test_demo",
    "e2e/test_engine_steps",
    "e2e/test_engines",
    "e2e/test_examples",
    "e2e/test_installation",
    "e2e/test_killed",
    "e2e/test_killed_often",
    "e2e/test_pyats_readme",
    "e2e/test_reproducible",
    "e2e/test_requirements",
    "e2e/test_sbom",
    "pyats/test_plugin",
    "service/test_chaos",
}


def pytest_configure() -> None:
    # whoever starts the tests in the background has interrupts ignored, and so would have the programs under test
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.environ.get("SLIPWAY_THOROUGH"):
        left = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """Fast ones first; of the rest whole files that take long, so that no worker has one left when the others have ended."""
    if not any(item.get_closest_marker(mark) for mark in _LATE):
        return 0
    return 1 if f"{item.path.parent.name}/{item.path.stem}" in _LONG else 2


@pytest.fixture(scope="session", autouse=True)
def _shared_place(tmp_path_factory: pytest.TempPathFactory) -> None:
    shared.name_place(tmp_path_factory.getbasetemp())


@pytest.fixture
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="home-", dir=tmp_path_factory.getbasetemp()))
    yield home
    shutil.rmtree(home, ignore_errors=True)  # thousands of them would fill the disk


@pytest.fixture(autouse=True)
def _own_environment(_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the caches and settings of the person who runs it."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLIPWAY_STORE", str(_home / "store"))
    monkeypatch.setenv("SLIPWAY_CACHE", str(_home / "cache"))


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """The address of a Docker daemon that is started for the tests, without touching the machine's network."""
    if os.geteuid() != 0:
        pytest.skip("a Docker daemon needs root")
    if shutil.which("dockerd") is None:
        done = subprocess.run(
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *_DOCKER],
            capture_output=True,
            check=False,
        )
        if shutil.which("dockerd") is None:
            pytest.skip(f"cannot install Docker: {done.stderr.decode().strip()[-300:]}")
    # a socket's path is short, and pytest's directories are deep
    with tempfile.TemporaryDirectory(prefix="slipway-docker-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        address = f"unix://{root}/docker.sock"
        with (root / "log").open("wb") as log:
            daemon = subprocess.Popen(
                [
                    "dockerd",
                    "--iptables=false",
                    "--ip6tables=false",
                    "--bridge=none",
                    f"--data-root={root}/data",
                    f"--exec-root={root}/exec",
                    f"--pidfile={root}/pid",
                    f"--host={address}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            _wait(daemon, root)
            yield address
        finally:
            daemon.terminate()
            daemon.wait(30)
            # Docker leaves this mounted, and the directory could not be removed
            subprocess.run(["umount", "--quiet", f"{root}/exec/netns/default"], check=False)
            shared.remove(root)


def _wait(daemon: subprocess.Popen[bytes], root: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and daemon.poll() is None:
        with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
            connection.connect(f"{root}/docker.sock")
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            if b" 200 " in connection.recv(100):
                return
        time.sleep(0.05)
    pytest.skip(f"dockerd does not start here: {(root / 'log').read_text()[-500:]}")
