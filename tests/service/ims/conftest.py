"""A service on a database and a local storage, and a client of its compatible API."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.ims.api import application
from slipway.service.records.store import Records
from slipway.service.runners import RecordRunner
from slipway.service.settings import ServiceSettings
from slipway.service.state import Service
from tests.service.ims.client import Client, Reply
from tests.service.standin import InstantDeletion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.service.model import Record

ROOTFS = "application/vnd.cray.image.rootfs.squashfs"


@dataclass
class World:
    service: Service
    ask: Client
    deletion: InstantDeletion
    artifacts: LocalArtifacts

    def put(self, key: str, content: bytes = b"x", bucket: str = "boot-images") -> dict[str, str]:
        """Store an object; the link to it."""
        stat = self.artifacts.put(bucket, key, [content])
        return {"path": f"s3://{bucket}/{key}", "etag": stat.etag, "type": "s3"}

    def manifest(self, place: str, *artifacts: Any, **more: Any) -> dict[str, str]:
        """Store a manifest of these, or of one root file system; the link to it."""
        listed: list[Any] = list(artifacts) or [
            {"link": self.put(f"{place}/rootfs"), "type": ROOTFS, "md5": "0" * 32}
        ]
        document = {"version": "1.0", "created": "2026-01-01 00:00:00.0", "artifacts": listed, **more}
        return self.put(f"{place}/manifest.json", json.dumps(document).encode())

    def add(self, *records: Record) -> None:
        self.service.records.write(lambda tx: [tx.add(record) for record in records])

    def made(self, path: str, **content: Any) -> dict[str, Any]:
        reply = self.ask("POST", path, content)
        assert reply.status == 201, reply
        found: dict[str, Any] = reply.json
        return found


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Only here: the databases differ below this API, and each has its tests there."""
    return f"sqlite:///{tmp_path}/db/service.db"


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    settings = ServiceSettings(database=database, deletion_wait=0.5)
    artifacts = LocalArtifacts(tmp_path / "artifacts", "http://127.0.0.1:1/artifacts")
    with Records.open(database) as records:
        deletion = InstantDeletion(records, artifacts)
        service = Service(records, artifacts, deletion, RecordRunner(), settings, time.time)
        client = Client(application(service))
        yield World(service, client, deletion, artifacts)
        client.close()
    artifacts.close()


def is_problem(reply: Reply, status: int, detail: str = "") -> bool:
    """Whether it is a problem document of that status, with that in its detail."""
    assert reply.headers["content-type"] == "application/problem+json", reply
    content = reply.json
    assert reply.status == content["status"] == status, reply
    assert detail in content["detail"], reply
    assert set(content) <= {"status", "title", "detail", "errors"}
    return True
