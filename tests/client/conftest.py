"""A service as it really runs, on an S3 server or on a directory, and a client of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import slipway
from slipway.client import Client, S3Access
from slipway.events import Reporter
from slipway.settings import Settings
from tests.inputs.s3d import KEY, SECRET, S3d, s3d

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.events import Event


SOURCE = str(Path(slipway.__file__).parents[1])


@dataclass(frozen=True)
class World:
    """`s3` is None for a service with its artifacts in a directory."""

    url: str
    s3: S3d | None

    @property
    def access(self) -> S3Access | None:
        return S3Access(self.s3.url, KEY, SECRET) if self.s3 else None


@contextmanager
def running(data: Path, *options: str, **environ: str) -> Iterator[str]:
    """The address of `slipway serve`, in a process of its own."""
    data.mkdir()
    plain = {name: text for name, text in os.environ.items() if not name.startswith(("SLIPWAY_", "S3_"))}
    command = [sys.executable, "-c", "from slipway.cli.main import main; main()", "serve", "--json"]
    with (data / "log").open("wb") as log:
        service = subprocess.Popen(
            [*command, "--port", "0", "--data", str(data / "data"), *options],
            stdout=subprocess.PIPE,
            stderr=log,
            env={**plain, "HOME": str(data), "PYTHONPATH": SOURCE, **environ},
        )
    try:
        assert service.stdout
        said = service.stdout.readline()
        assert said, (data / "log").read_text()[-2000:]
        yield json.loads(said)["address"]
    finally:
        service.terminate()
        service.communicate(timeout=30)


@pytest.fixture(scope="session")
def on_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("s3")
    with s3d(directory) as server:
        for bucket in ("boot-images", "ims"):
            (server.root / bucket).mkdir()
        options = ("--artifacts", "s3", "--s3-endpoint", server.url)
        keys = {"SLIPWAY_SERVICE_S3_ACCESS_KEY": KEY, "SLIPWAY_SERVICE_S3_SECRET_KEY": SECRET}
        with running(directory / "service", *options, **keys) as url:
            yield World(url, server)


@pytest.fixture(scope="session")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("disk") / "service") as url:
        yield World(url, None)


@pytest.fixture(params=["on_s3", "on_disk"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def client(world: World, tmp_path: Path, heard: list[Event]) -> Iterator[Client]:
    settings = Settings(store=tmp_path / "store", cache=tmp_path / "cache")
    with Client(
        world.url, s3=world.access, settings=settings, reporter=Reporter(heard.append), pause=lambda _: None
    ) as client:
        yield client
