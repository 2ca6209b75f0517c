"""The API over real records and a real storage, asked as a client would ask it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.artifacts.manifest import ROOTFS
from slipway.service.model import SYSTEM, Actor
from slipway.service.records.store import Records
from slipway.service.runners import RecordRunner
from slipway.service.settings import ServiceSettings
from slipway.service.state import Service
from slipway.service.v4.api import application
from tests.service.standin import InstantDeletion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.service.model import Job


class Runner(RecordRunner):
    """Remembers what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def start(self, job: Job, address: str) -> None:
        assert address
        self.calls.append(("start", job.id))

    def finished(self, job: Job) -> None:
        self.calls.append(("finished", job.id))

    def remove(self, job: Job) -> None:
        self.calls.append(("remove", job.id))


class Api:
    """`actor` is who asks; each call is a request of its own. What goes wrong inside is raised, unless `raising` is off."""

    def __init__(self, service: Service, raising: bool = True) -> None:
        self.service = service
        self.app = application(service)
        self.actor: Actor = SYSTEM
        self.runner = asyncio.Runner()

        async def signed(scope: Any, receive: Any, send: Any) -> None:
            scope["state"] = {"actor": self.actor, "request_id": "r-1"}
            await self.app(scope, receive, send)

        transport = httpx2.ASGITransport(app=signed, raise_app_exceptions=raising)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://slipway/v4")

    def __call__(self, method: str, path: str, **named: Any) -> httpx2.Response:
        return self.runner.run(self.client.request(method, path, **named))

    def together(self, *asked: tuple[str, str, dict[str, Any]]) -> list[httpx2.Response]:
        async def all_() -> list[httpx2.Response]:
            return list(await asyncio.gather(*(self.client.request(m, p, **more) for m, p, more in asked)))

        return self.runner.run(all_())

    def get(self, path: str, **named: Any) -> httpx2.Response:
        return self("GET", path, **named)

    def post(self, path: str, content: object, **named: Any) -> httpx2.Response:
        return self("POST", path, json=content, **named)

    def patch(self, path: str, content: object, **named: Any) -> httpx2.Response:
        headers = {"content-type": "application/merge-patch+json", **named.pop("headers", {})}
        return self("PATCH", path, content=json.dumps(content), headers=headers, **named)

    def key(self, name: str = "k", **more: Any) -> dict[str, Any]:
        answer = self.post("/public-keys", {"name": name, "public_key": "ssh-rsa A", **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def image(self, name: str = "i", **more: Any) -> dict[str, Any]:
        answer = self.post("/images", {"name": name, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def put(self, key: str, data: bytes = b"x", bucket: str = "boot-images") -> str:
        answer = self("PUT", f"/artifacts/{bucket}/{key}", content=data)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["path"])

    def linked(self, name: str = "i") -> dict[str, Any]:
        """An image with a root file system."""
        self.put(f"{name}/rootfs", b"root")
        path = f"s3://boot-images/{name}/rootfs"
        return self.image(name, artifacts=[{"type": ROOTFS, "path": path}])

    def close(self) -> None:
        self.runner.run(self.client.aclose())
        self.runner.close()


@pytest.fixture
def service(database: str, tmp_path: Path) -> Iterator[Service]:
    storage = LocalArtifacts(tmp_path / "artifacts", "http://slipway/artifacts")
    settings = ServiceSettings(database=database, request_limit=100_000)
    with Records.open(database) as records:
        yield Service(records, storage, InstantDeletion(records, storage), Runner(), settings, time.time)
    storage.close()


@pytest.fixture
def api(service: Service) -> Iterator[Api]:
    made = Api(service)
    yield made
    made.close()
