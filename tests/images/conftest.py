"""Images made by hand, and a program that runs in an otherwise empty image."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.images.making import Maker

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A static busybox out of the mirror's package."""
    directory = tmp_path_factory.mktemp("busybox")
    directory.chmod(0o777)
    try:
        done = subprocess.run(
            ["apt-get", "-q", "download", "busybox-static"], cwd=directory, capture_output=True, check=False
        )
        package = next(directory.glob("*.deb"), None)
        if package is None:
            pytest.skip(f"cannot download busybox-static: {done.stderr.decode().strip()}")
        subprocess.run(["dpkg-deb", "-x", package, directory / "x"], check=True)
    except FileNotFoundError as error:
        pytest.skip(f"busybox-static comes from a Debian mirror: {error}")
    return (directory / "x" / "bin" / "busybox").read_bytes()
