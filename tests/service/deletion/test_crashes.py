"""Tasks that are killed, or fail, at every single place: what is done afterwards comes to the right end, and no byte is lost before."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.artifacts.model import ArtifactError
from slipway.service.deletion import states
from slipway.service.deletion.work import STATE, Worker
from slipway.service.model import Image, Link, Recipe
from slipway.service.records.store import Records
from slipway.service.settings import ServiceSettings
from slipway.service.tasks.model import TaskError
from tests.service.deletion.conftest import make_image
from tests.service.deletion.faults import Faulty, KilledError, Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

VERBS = {state: verb for verb, state in STATE.items()}


class World:
    """Records and a faulty storage, without DBOS."""

    def __init__(self, place: Path) -> None:
        self.storage = LocalArtifacts(place / "artifacts")
        self.faulty = Faulty(self.storage)
        self.records = Records.open(f"sqlite:///{place}/service.db")
        self.worker = Worker(self.records, self.faulty, ServiceSettings(), lambda: None, pauses=(0, 0))
        self.count = 0

    def close(self) -> None:
        self.records.close()
        self.storage.close()

    def make(self, kind: type[Image | Recipe]) -> Image | Recipe:
        self.count += 1
        id_ = f"00000000-0000-4000-8000-{self.count:012}"
        if kind is Image:
            return make_image(self.records, self.storage, id_)
        stat = self.storage.put("ims", f"recipes/{id_}/recipe.tgz", [id_.encode()], metadata={"md5sum": "5"})
        link = Link(f"s3://ims/recipes/{id_}/recipe.tgz", stat.etag)
        recipe = Recipe(
            id=id_, created=1, name="r", recipe_type="packer", linux_distribution="sles12", link=link
        )
        return self.records.write(lambda tx: tx.add(recipe))

    def state(self, record: Any) -> Any:
        return self.records.get(type(record), record.id) or self.records.get(
            type(record), record.id, gone=True
        )

    def turn(self, record: Any, verb: str) -> Any:
        """The record in the state in which a task begins."""
        now = self.state(record)
        if verb == "delete":
            after = states.deleting(now, 10**15, "boot-images")
        elif verb == "undelete":
            after = states.undeleting(now, None)
        else:
            after = states.purging(now, 10**15)
        return self.records.write(lambda tx: tx.replace(after))

    def work(self, record: Any, steps: Steps) -> Any:
        now = self.state(record)
        if now is None or now.state not in VERBS:
            return None
        kind = "image" if isinstance(record, Image) else "recipe"
        return self.worker(steps, {"verb": VERBS[now.state], "kind": kind, "id": record.id})

    def content(self, record: Any) -> dict[str, bytes]:
        return {
            stat.key: self.storage.read(bucket, stat.key, 1 << 20)
            for bucket in ("boot-images", "ims")
            for stat in self.storage.walk(bucket)
            if record.id in stat.key
        }

    def check(self, record: Any, before: dict[str, bytes]) -> None:
        """The record and its objects are in one of the states that it can rest in."""
        now, content = self.state(record), self.content(record)
        if now is None:
            assert content == {}
        elif now.state == "live":
            assert replace(now, version=1) == record
            assert content == before
        else:
            assert now.state == "deleted"
            away = {f"deleted/{key}": data for key, data in before.items()}
            assert {
                key: data for key, data in content.items() if not key.endswith("deleted_manifest.json")
            } == away


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """In memory, where there is such a place: nobody pulls the plug here."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(dir=memory)) if memory.is_dir() else tmp_path
    found = World(place)
    yield found
    found.close()
    shutil.rmtree(place)


def prepared(world: World, kind: type[Image | Recipe], way: str) -> tuple[Any, dict[str, bytes], str]:
    """A record for which `way` ends in a task that is about to begin, what it had, and the verb of that task."""
    record = world.make(kind)
    before = world.content(record)
    *first, last = way.split()
    for verb in first:
        world.turn(record, verb)
        world.work(record, Steps())
    world.turn(record, last)
    return record, before, last


WAYS = ["delete", "delete undelete", "purge", "delete purge"]
NEXT = {"delete": "undelete", "undelete": "delete"}


@pytest.mark.parametrize("kind", [Image, Recipe])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("then", ["recovered", "begun anew", "other way", "purged"])
def test_killed_at_every_call(
    world: World, kind: type[Image | Recipe], way: str, after: bool, then: str
) -> None:
    place = 0
    while True:
        place += 1
        record, before, verb = prepared(world, kind, way)
        steps = Steps()
        world.faulty.arm(place, after=after)
        try:
            world.work(record, steps)
        except KilledError:
            killed = True
        else:
            killed = False
        world.faulty.arm(0)
        if verb != "purge":
            found = {key.removeprefix("deleted/"): data for key, data in world.content(record).items()}
            assert found.items() >= before.items()
        if not killed:
            break
        if then == "other way":
            world.turn(record, NEXT.get(verb, "purge"))
        elif then == "purged":
            world.turn(record, "purge")
        world.work(record, steps.again() if then == "recovered" else Steps())
        world.check(record, before)
        if then == "purged" or verb == "purge":
            assert world.state(record) is None
        elif then != "other way":
            assert world.state(record).state == {"delete": "deleted", "undelete": "live"}[verb]
    assert place > (9 if kind is Image else 2)


@pytest.mark.parametrize("way", WAYS)
def test_killed_between_the_steps(world: World, way: str) -> None:
    place = 0
    while True:
        place += 1
        record, before, _ = prepared(world, Image, way)
        steps = Steps(at=place)
        try:
            world.work(record, steps)
        except KilledError:
            world.work(record, steps.again())
            world.check(record, before)
        else:
            break
    assert place > 4


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("after", [False, True])
def test_failures_that_pass(world: World, way: str, after: bool) -> None:
    place = 0
    while True:
        place += 1
        record, before, _ = prepared(world, Image, way)
        world.faulty.arm(place, after=after, error=ArtifactError("busy", again=True), times=2)
        world.work(record, Steps())
        hit = world.faulty.calls >= place
        world.faulty.arm(0)
        world.check(record, before)
        if not hit:
            break


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", [ArtifactError("refused"), ArtifactError("busy", again=True)])
def test_failures_that_stay(world: World, way: str, error: ArtifactError) -> None:
    place = 0
    while True:
        place += 1
        record, before, _ = prepared(world, Image, way)
        world.faulty.arm(place, error=error, times=10**6)
        try:
            world.work(record, Steps())
        except TaskError:
            world.faulty.arm(0)
            world.work(record, Steps())  # begun again
            world.check(record, before)
        else:
            break
    assert place > 9


@pytest.mark.parametrize("way", ["delete", "delete undelete"])
def test_a_copy_that_is_not_the_same_is_not_trusted(world: World, way: str) -> None:
    record, before, verb = prepared(world, Image, way)
    genuine = world.storage.copy

    def short(source: tuple[str, str], target: tuple[str, str]) -> Any:
        return world.storage.put(*target, [world.storage.read(*source, 1 << 20)[:-1]])

    world.storage.copy = short  # type: ignore[method-assign]
    with pytest.raises(TaskError):
        world.work(record, Steps())
    start = "" if verb == "delete" else "deleted/"
    content = world.content(record)
    assert {key: content.get(f"{start}{key}") for key in before} == before
    world.storage.copy = genuine  # type: ignore[method-assign]
    world.work(record, Steps())
    world.check(record, before)
