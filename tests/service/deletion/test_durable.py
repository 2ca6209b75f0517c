"""Deleting, undeleting and purging, with real databases and a real storage."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError, StoreError, UsageError
from slipway.service.artifacts.manifest import MANIFEST
from slipway.service.artifacts.model import ArtifactError, split
from slipway.service.deletion.durable import DurableDeletion
from slipway.service.model import Image, Link, PublicKey, Recipe
from slipway.service.records.errors import StaleError, TakenError
from tests.service.deletion.conftest import ALICE, TYPES, House, document
from tests.service.deletion.faults import Faulty

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slipway.service.artifacts.model import Artifacts


def test_image_there_and_back(house: House) -> None:
    image = house.image(without_md5="kernel")
    before = house.content()
    stats = {path: house.artifacts.head(*split(path)) for path in before}
    assert image.link

    gone = house.deletion.delete(image, ALICE)
    place = f"s3://boot-images/deleted/{image.id}/deleted_manifest.json"
    assert gone.state == "deleting"
    assert gone.link == Link(place)
    assert gone.deleted > image.created
    assert house.records.get(Image, image.id) is None

    found = house.settled(image)
    assert (found.state, found.link, found.deleted) == ("deleted", Link(place), gone.deleted)
    content = house.content()
    assert {path for path in content if "/deleted/" not in path} == set()
    assert len(content) == len(before) + 1
    for path, data in before.items():
        moved = path.replace("s3://boot-images/", "s3://boot-images/deleted/")
        assert content[moved] == data
        one, other = stats[path], house.artifacts.head(*split(moved))
        assert one
        assert other
        assert (one.metadata, one.content_type, one.etag) == (other.metadata, other.content_type, other.etag)
    listed = document(house, place)
    assert listed["version"] == "1.0"
    assert listed["created"] == time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(gone.deleted // 1_000_000))
    kinds = {each["type"]: each for each in listed["artifacts"]}
    assert set(kinds) == {*TYPES.values(), "application/vnd.cray.image.manifest"}
    assert "md5" not in kinds[TYPES["kernel"]]
    rootfs = stats[f"s3://boot-images/{image.id}/rootfs"]
    assert rootfs
    assert kinds[TYPES["rootfs"]] == {
        "type": TYPES["rootfs"],
        "md5": rootfs.md5,
        "link": {"path": f"s3://boot-images/deleted/{image.id}/rootfs", "etag": rootfs.etag, "type": "s3"},
    }
    own = kinds["application/vnd.cray.image.manifest"]
    assert own["link"]["path"] == f"s3://boot-images/deleted/{image.id}/manifest.json"

    back = house.deletion.undelete(found, ALICE)
    assert (back.state, back.link, back.deleted) == ("undeleting", image.link, 0)
    final = house.settled(image)
    assert replace(final, version=1) == image
    assert house.content() == before
    for path, stat in stats.items():
        after = house.artifacts.head(*split(path))
        assert stat
        assert after
        assert replace(after, modified=0) == replace(stat, modified=0)

    tasks = house.ended(image)
    assert [(task.verb, task.status, task.objects, task.moved, task.problem) for task in tasks] == [
        ("undelete", "done", 4, 4, ""),
        ("delete", "done", 4, 4, ""),
    ]
    assert all(0 < task.begun <= task.ended for task in tasks)
    actors = [(event.actor, event.action) for event in house.records.events(record=image.id)]
    assert actors == [
        ("", "created"),
        ("alice", "deleted"),
        ("", "settled"),
        ("alice", "undeleted"),
        ("", "settled"),
    ]


def test_recipe_there_and_back(house: House) -> None:
    recipe = house.recipe()
    before = house.content()
    assert recipe.link
    gone = house.deletion.delete(recipe, ALICE)
    place = f"s3://ims/deleted/recipes/{recipe.id}/recipe.tar.gz"
    assert gone.link == Link(place, recipe.link.etag)
    found = house.settled(recipe)
    assert found.link == gone.link
    assert list(house.content()) == [place]
    house.deletion.undelete(found, ALICE)
    assert replace(house.settled(recipe), version=1) == recipe
    assert house.content() == before


def test_records_without_objects_need_no_task(house: House) -> None:
    key = PublicKey(id="k", created=1, name="k", public_key="ssh-rsa")
    image = Image(id="i", created=1, name="i")
    house.records.write(lambda tx: (tx.add(key), tx.add(image)))
    gone = house.deletion.delete_all([key, image], ALICE)
    assert [each.state for each in gone] == ["deleted", "deleted"]
    back = house.deletion.undelete_all(gone, ALICE)
    assert [replace(each, version=1) for each in back] == [key, image]
    house.deletion.purge_all(back, ALICE)
    assert house.state(key) is None
    assert house.state(image) is None
    assert house.deletion.tasks() == []


@pytest.mark.parametrize("deleted", [False, True])
def test_purge_leaves_nothing(house: House, deleted: bool) -> None:
    image, recipe = house.image(without_md5="rootfs"), house.recipe()
    house.artifacts.put("boot-images", "other", [b"1"])
    records = [image, recipe]
    if deleted:
        house.deletion.delete_all(records, ALICE)
        records = [house.settled(record) for record in records]
    house.deletion.purge_all(records, ALICE)
    for record in records:
        assert house.settled(record) is None
    assert list(house.content()) == ["s3://boot-images/other"]
    assert {event.action for event in house.records.events(record=image.id)} >= {"purged", "removed"}


def test_purge_may_leave_the_objects(house: House) -> None:
    image = house.image()
    before = house.content()
    house.deletion.purge(image, ALICE, objects=False)
    assert house.state(image) is None
    assert house.content() == before


def test_purge_spares_what_came_to_the_old_place_since(house: House) -> None:
    image, recipe = house.image(), house.recipe()
    house.deletion.delete_all([image, recipe], ALICE)
    gone = [house.settled(image), house.settled(recipe)]
    for path in (f"{image.id}/rootfs", f"{image.id}/manifest.json"):
        house.artifacts.put("boot-images", path, [b"new"])
    house.artifacts.put("ims", f"recipes/{recipe.id}/recipe.tar.gz", [b"new"])
    house.deletion.purge_all(gone, ALICE)
    assert [house.settled(each) for each in gone] == [None, None]
    assert set(house.content().values()) == {b"new"}
    assert len(house.content()) == 3


def test_missing_and_unreadable(house: House) -> None:
    recipe, image = house.recipe(), house.image()
    broken = house.image("33333333-3333-4333-8333-333333333333")
    assert recipe.link
    assert image.link
    assert broken.link
    house.artifacts.delete(*split(recipe.link.path))
    house.artifacts.delete(*split(image.link.path))
    house.artifacts.put(*split(broken.link.path), [b"{not json"])
    before = house.content()
    house.deletion.delete_all([recipe, image, broken], ALICE)
    for record in (recipe, image, broken):
        found = house.settled(record)
        assert (found.state, found.link, found.home) == ("deleted", record.link, None)
        assert house.ended(record)[0].problem
    assert house.content() == before  # nothing was moved to where nobody would find it
    for record in (image, broken):
        with pytest.raises(InputError):
            house.deletion.undelete(house.state(record), ALICE)
    house.deletion.undelete(house.state(recipe), ALICE)
    assert replace(house.settled(recipe), version=1) == recipe
    house.deletion.purge(house.state(broken), ALICE)
    house.deletion.purge(house.state(image), ALICE)
    assert (house.settled(broken), house.settled(image)) == (None, None)
    assert house.content() == {}  # what nobody could name is gone with them


def test_a_deleted_image_whose_manifests_are_broken_leaves_nothing(house: House) -> None:
    image, other = house.image(), house.image("33333333-3333-4333-8333-333333333333")
    kept = {path: data for path, data in house.content().items() if other.id in path}
    house.deletion.delete(image, ALICE)
    gone = house.settled(image)
    for name in ("manifest.json", "deleted_manifest.json"):
        house.artifacts.put("boot-images", f"deleted/{image.id}/{name}", [b"{not json"])
    house.deletion.purge(gone, ALICE)
    assert house.settled(image) is None
    assert house.content() == kept


def test_an_artifact_that_is_missing_does_not_hold_the_others(house: House) -> None:
    image = house.image()
    house.artifacts.delete("boot-images", f"{image.id}/kernel")
    before = house.content()
    house.deletion.delete(image, ALICE)
    found = house.settled(image)
    [task] = house.ended(image)
    assert (task.status, task.objects, task.moved) == ("done", 4, 3)
    assert f"{image.id}/kernel" in task.problem
    listed = document(house, found.link.path)
    assert TYPES["kernel"] not in {each["type"] for each in listed["artifacts"]}
    house.deletion.undelete(found, ALICE)
    assert replace(house.settled(image), version=1) == image
    assert house.content() == before


def test_links_of_others_are_not_moved(house: House) -> None:
    """A manifest may list anything, also what is another's."""
    recipe, image = house.recipe(), house.image()
    assert recipe.link
    assert image.link
    listed = document(house, image.link.path)
    listed["artifacts"].append({"type": "x", "link": {"path": recipe.link.path, "type": "s3"}})
    listed["artifacts"].append({"type": "x", "link": {"path": "http://elsewhere/", "type": "s3"}})
    house.artifacts.put(*split(image.link.path), [json.dumps(listed).encode()])
    house.deletion.delete(image, ALICE)
    gone = house.settled(image)
    assert recipe.link.path in house.content()
    house.deletion.purge(gone, ALICE)
    assert house.settled(image) is None
    assert list(house.content()) == [recipe.link.path]


def test_a_manifest_that_was_written_over_takes_nothing_of_others(house: House) -> None:
    """What it lists was looked at when it was linked, and not since."""
    image, other = house.image(), house.image("33333333-3333-4333-8333-333333333333")
    assert image.link
    before = {path: data for path, data in house.content().items() if other.id in path}
    stolen = f"s3://boot-images/{other.id}/rootfs"
    for kind in (TYPES["rootfs"], MANIFEST):
        content = {"version": "1.0", "artifacts": [{"type": kind, "link": {"path": stolen, "type": "s3"}}]}
        house.artifacts.put(*split(image.link.path), [json.dumps(content).encode()])
        house.deletion.delete(house.state(image), ALICE)
        gone = house.settled(image)
        house.artifacts.put(*split(gone.link.path), [json.dumps(content).encode()])
        house.deletion.undelete(gone, ALICE)
        house.settled(image)
        assert {path: data for path, data in house.content().items() if other.id in path} == before
    house.deletion.purge(house.state(image), ALICE)
    assert house.settled(image) is None
    assert {path: data for path, data in house.content().items() if other.id in path} == before


def test_what_the_original_deleted(house: House) -> None:
    """Deleted by IMS: no home is known, and an artifact without md5 is not in the deleted manifest, though it was moved."""
    image = house.image(without_md5="kernel")
    assert image.link
    before = house.content()
    house.deletion.delete(image, ALICE)
    found = house.settled(image)
    listed = document(house, found.link.path)
    listed["artifacts"] = [each for each in listed["artifacts"] if each["type"] != TYPES["kernel"]]
    house.artifacts.put(*split(found.link.path), [json.dumps(listed).encode()])
    found = house.records.write(lambda tx: tx.replace(replace(found, home=None)))
    recipe = house.recipe()
    house.deletion.delete(recipe, ALICE)
    gone = house.settled(recipe)
    gone = house.records.write(lambda tx: tx.replace(replace(gone, home=None)))

    house.deletion.undelete_all([found, gone], ALICE)
    final = house.settled(image)
    assert replace(final, version=1) == image
    assert house.settled(recipe).link == recipe.link
    assert {path: data for path, data in house.content().items() if "/recipes/" not in path} == before


def test_the_original_could_not_move_the_manifest(house: House) -> None:
    """IMS goes on when S3 fails: the deleted manifest does not say where the image's own is."""
    image = house.image()
    assert image.link
    before = house.content()
    house.deletion.delete(image, ALICE)
    found = house.settled(image)
    listed = document(house, found.link.path)
    listed["artifacts"] = [each for each in listed["artifacts"] if each["type"] != MANIFEST]
    house.artifacts.put(*split(found.link.path), [json.dumps(listed).encode()])
    found = house.records.write(lambda tx: tx.replace(replace(found, home=None)))
    own = (split(f"s3://boot-images/deleted/{image.id}/manifest.json"), split(image.link.path))
    house.artifacts.copy(*own)
    for place in own:
        content = house.artifacts.read(*place, 1 << 20)
        house.artifacts.delete(*place)
    with pytest.raises(InputError, match="does not say where the manifest is"):
        house.deletion.undelete(found, ALICE)
    house.artifacts.put(*own[1], [content], metadata={"md5sum": "m"})
    house.deletion.undelete(found, ALICE)
    assert house.settled(image).link.path == image.link.path
    assert house.content() == before


def test_link_taken_meanwhile(house: House) -> None:
    image = house.image()
    house.deletion.delete(image, ALICE)
    gone = house.settled(image)
    other = replace(image, id="other", link=image.link)
    house.records.write(lambda tx: tx.add(other))
    with pytest.raises(TakenError):
        house.deletion.undelete(gone, ALICE)
    assert house.state(image) == gone


def test_something_in_the_way_is_never_written_over(house: House) -> None:
    image = house.image()
    house.artifacts.put("boot-images", f"deleted/{image.id}/kernel", [b"somebody's"])
    house.deletion.delete(image, ALICE)
    tasks = house.ended(image)
    assert tasks[0].status == "failed"
    assert f"deleted/{image.id}/kernel" in tasks[0].problem
    assert (tasks[0].objects, tasks[0].moved) == (4, 1)
    assert house.content()[f"s3://boot-images/deleted/{image.id}/kernel"] == b"somebody's"
    assert f"s3://boot-images/{image.id}/kernel" in house.content()
    assert house.deletion.reconcile() == 0  # it has failed, and waits for somebody
    house.artifacts.delete("boot-images", f"deleted/{image.id}/kernel")
    house.deletion.retry(tasks[0].id)
    assert house.settled(image).state == "deleted"
    with pytest.raises(UsageError):
        house.deletion.retry(tasks[0].id)


def test_only_what_may_be(house: House) -> None:
    image = house.image()
    other = house.records.write(lambda tx: tx.replace(replace(image, metadata={})))
    with pytest.raises(StaleError):
        house.deletion.delete(image, ALICE)
    with pytest.raises(StaleError):
        house.deletion.undelete(other, ALICE)
    gone = house.deletion.delete(other, ALICE)
    with pytest.raises(StaleError):
        house.deletion.delete(gone, ALICE)
    with pytest.raises(StaleError):
        house.deletion.delete_all([house.recipe(), other], ALICE)
    assert house.records.all(Recipe)  # all or none
    assert house.settled(image).state == "deleted"
    house.deletion.undelete(gone, ALICE)  # as it was answered; moving is no change
    assert house.settled(image).state == "live"


def test_back_and_forth_without_waiting(house: House) -> None:
    image, recipe = house.image(), house.recipe()
    before = house.content()
    for _ in range(4):
        gone = house.deletion.delete_all([image, recipe], ALICE)
        image, recipe = house.deletion.undelete_all(gone, ALICE)  # type: ignore[assignment]
    for record in (image, recipe):
        house.settled(record)
    assert house.content() == before
    gone = house.deletion.delete_all([image, recipe], ALICE)
    house.deletion.purge_all(gone, ALICE)
    for record in (image, recipe):
        assert house.settled(record) is None
    assert house.content() == {}


def test_retention(house: House, houses: Callable[..., House], storage: Artifacts) -> None:
    image, key = house.image(), PublicKey(id="k", created=1, name="k", public_key="x")
    house.records.write(lambda tx: tx.add(key))
    house.deletion.delete_all([image, key], ALICE)
    house.settled(image)
    storage.begin("boot-images", "never/completed")
    assert house.deletion.sweep()["records"] == 0  # kept for ever
    house.deletion._settings = replace(house.settings, keep_deleted=3600, keep_events=3600)
    assert house.deletion.sweep()["records"] == 0
    house.deletion._clock = lambda: time.time() + 7200
    found = house.deletion.sweep()
    assert (found["records"], found["uploads"]) == (2, 0)
    assert found["events"] >= 6
    assert house.settled(image) is None
    assert house.state(key) is None
    assert house.content() == {}
    house.deletion._clock = lambda: time.time() + 8 * 86400
    house.deletion._settings = replace(house.settings, keep_uploads=0)
    assert house.deletion.sweep()["uploads"] == 0
    house.deletion._settings = house.settings
    assert house.deletion.sweep()["uploads"] == 1


class Stuck:
    """A storage whose copies wait until they may go on, and count how many do so at once."""

    def __init__(self, storage: Artifacts) -> None:
        self._storage = storage
        self.go, self.lock = threading.Event(), threading.Lock()
        self.now = self.most = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def copy(self, source: tuple[str, str], target: tuple[str, str]) -> Any:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.go.wait(60)
        with self.lock:
            self.now -= 1
        return self._storage.copy(source, target)


def test_nobody_waits_for_large_images(
    tmp_path: Path, storage: Artifacts, houses: Callable[..., House]
) -> None:
    stuck = Stuck(storage)
    house = houses(f"sqlite:///{tmp_path}/db/service.db", stuck, {"workers": 2})
    images = [house.image(f"{number:08}-0000-4000-8000-000000000000") for number in range(5)]
    began = time.monotonic()
    gone = house.deletion.delete_all(images, ALICE)
    assert len(house.records.all(Image, gone=True)) == 5
    assert not house.deletion.wait(images[0], 0.5)
    while stuck.now < 2:
        time.sleep(0.01)
    kinds = [task.status for image in images for task in house.deletion.tasks(image.id)]
    assert sorted(kinds) == ["running"] * 2 + ["waiting"] * 3
    house.deletion.undelete(gone[0], ALICE)
    house.deletion.purge(gone[1], ALICE)
    assert time.monotonic() - began < 20
    stuck.go.set()
    states = [getattr(house.settled(image), "state", None) for image in images]
    assert states == ["live", None, "deleted", "deleted", "deleted"]
    assert stuck.most == 2


def test_stopped_and_started(database: str, storage: Artifacts, houses: Callable[..., House]) -> None:
    """A task that waits for a storage does not hold up the end of the service, and goes on with the next."""
    faulty = Faulty(storage)
    house = houses(database, faulty)
    image = house.image()
    house.stop()
    house.pauses = (60,)
    house.start()
    faulty.arm(6, error=ArtifactError("busy", again=True), times=10**6)
    house.deletion.delete(image, ALICE)
    while faulty.calls < 6:
        time.sleep(0.01)
    began = time.monotonic()
    house.stop()
    assert time.monotonic() - began < 10
    assert house.state(image).state == "deleting"
    faulty.arm(0)
    house.start()
    assert house.settled(image).state == "deleted"
    [task] = house.ended(image)
    assert (task.status, task.moved) == ("done", 4)


def test_a_failure_is_seen_and_begun_again(
    tmp_path: Path, storage: Artifacts, houses: Callable[..., House]
) -> None:
    faulty = Faulty(storage)
    house = houses(f"sqlite:///{tmp_path}/db/service.db", faulty)
    image = house.image()
    faulty.arm(8, error=ArtifactError("the S3 server does not let us"), times=10**6)
    house.deletion.delete(image, ALICE)
    [task] = house.ended(image)
    assert (task.status, task.problem) == ("failed", "the S3 server does not let us")
    assert task.ended
    faulty.arm(0)
    again = house.deletion.retry(task.id)
    assert again.id != task.id
    assert house.settled(image).state == "deleted"
    assert [each.status for each in house.ended(image)] == ["done", "failed"]


def test_one_for_each_process(house: House) -> None:
    with pytest.raises(StoreError):
        DurableDeletion(house.records, house.artifacts, house.settings)
