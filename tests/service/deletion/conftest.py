"""Services whose deletions are real, and images to delete."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.artifacts.model import split
from slipway.service.deletion.durable import DurableDeletion
from slipway.service.model import Actor, Image, Link, Recipe
from slipway.service.records.store import Records
from slipway.service.settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.deletion.model import Task
    from slipway.service.model import Record

ALICE = Actor("alice")
TYPES = {
    "rootfs": "application/vnd.cray.image.rootfs.squashfs",
    "kernel": "application/vnd.cray.image.kernel",
    "initrd": "application/vnd.cray.image.initrd",
}


@dataclass
class House:
    """One service: records, artifacts and what deletes them."""

    records: Records
    artifacts: Artifacts
    settings: ServiceSettings
    options: dict[str, Any] = field(default_factory=dict)
    deletion: DurableDeletion = field(init=False)
    open: bool = False
    pauses: tuple[float, ...] = (0.01, 0.01)

    def start(self) -> House:
        self.deletion = DurableDeletion(
            self.records, self.artifacts, self.settings, pauses=self.pauses, **self.options
        )
        self.open = True
        return self

    def stop(self) -> None:
        if self.open:
            self.open = False
            self.deletion.close()

    def state(self, record: Record) -> Any:
        """The record wherever it is, or None."""
        here = self.records.get(type(record), record.id)
        return here or self.records.get(type(record), record.id, gone=True)

    def content(self) -> dict[str, bytes]:
        """All objects of both buckets."""
        return {
            f"s3://{bucket}/{stat.key}": self.artifacts.read(bucket, stat.key, 1 << 30)
            for bucket in ("boot-images", "ims")
            for stat in self.artifacts.walk(bucket)
        }

    def settled(self, record: Record, seconds: float = 60) -> Any:
        assert self.deletion.wait(record, seconds), self.deletion.tasks(record.id)
        return self.state(record)

    def ended(self, record: Record) -> list[Task]:
        """The tasks of the record, when none of them is under way any more."""
        until = time.monotonic() + 60
        while True:
            tasks = self.deletion.tasks(record.id)
            if tasks and all(task.status in ("done", "failed") for task in tasks):
                return tasks
            assert time.monotonic() < until, tasks
            time.sleep(0.02)

    def image(
        self, id_: str = "11111111-1111-4111-8111-111111111111", *, without_md5: str = "", **more: Any
    ) -> Image:
        return make_image(self.records, self.artifacts, id_, without_md5=without_md5, **more)

    def recipe(self, id_: str = "22222222-2222-4222-8222-222222222222", **more: Any) -> Recipe:
        key = f"recipes/{id_}/recipe.tar.gz"
        stat = self.artifacts.put("ims", key, [b"recipe of " + id_.encode()], metadata={"md5sum": "5"})
        recipe = Recipe(
            id=id_,
            created=1_700_000_000_123_456,
            name="r",
            recipe_type="kiwi-ng",
            linux_distribution="sles15",
            link=Link(f"s3://ims/{key}", stat.etag),
            template_dictionary=(("a", "b"),),
            require_dkms=False,
            arch="aarch64",
            **more,
        )
        return self.records.write(lambda tx: tx.add(recipe))


def make_image(
    records: Records, artifacts: Artifacts, id_: str, *, without_md5: str = "", **more: Any
) -> Image:
    entries = []
    for name, kind in TYPES.items():
        stat = artifacts.put(
            "boot-images",
            f"{id_}/{name}",
            [f"{name} of {id_} ".encode() * 99],
            content_type="x/y",
            metadata={"md5sum": name, "x-shasta-ims-image-id": id_},
        )
        link = {"path": f"s3://boot-images/{id_}/{name}", "etag": stat.etag, "type": "s3"}
        entries.append({"link": link, "type": kind, **({} if name == without_md5 else {"md5": stat.md5})})
    manifest = {"version": "1.0", "created": "2026-01-02 03:04:05.123456", "artifacts": entries}
    content = json.dumps(manifest, indent=4, sort_keys=True).encode()
    stat = artifacts.put("boot-images", f"{id_}/manifest.json", [content], metadata={"md5sum": "m"})
    image = Image(
        id=id_,
        created=1_700_000_000_654_321,
        name="i",
        link=Link(f"s3://boot-images/{id_}/manifest.json", stat.etag),
        arch="aarch64",
        metadata={"colour": "blue"},
        project="physics",
        owner="bob",
        **more,
    )
    return records.write(lambda tx: tx.add(image))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Artifacts]:
    found = LocalArtifacts(tmp_path / "artifacts", "http://127.0.0.1:1/artifacts")
    yield found
    found.close()


@pytest.fixture
def houses() -> Iterator[Callable[..., House]]:
    """Makes services, and stops them."""
    with ExitStack() as stack:

        def make(
            database: str, artifacts: Artifacts, options: dict[str, Any] | None = None, **settings: Any
        ) -> House:
            records = stack.enter_context(Records.open(database))
            house = House(records, artifacts, ServiceSettings(**settings), options or {})
            stack.callback(house.stop)
            return house.start()

        yield make


@pytest.fixture
def house(database: str, storage: Artifacts, houses: Callable[..., House]) -> House:
    return houses(database, storage)


def document(house: House, path: str) -> Any:
    return json.loads(house.artifacts.read(*split(path), 1 << 20))
