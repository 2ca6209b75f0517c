"""Deleting, undeleting, and removing for ever: which record goes where, and what is asked of the deletion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slipway.service.model import Image, Link, Record
from slipway.service.records.errors import StaleError
from tests.service.ims.conftest import World, is_problem

UNDELETE = {"operation": "undelete"}


def one_of_each(world: World) -> dict[str, dict[str, Any]]:
    return {
        "public-keys": world.made("/v3/public-keys", name="k", public_key="p"),
        "recipes": world.made(
            "/v3/recipes",
            name="r",
            recipe_type="packer",
            linux_distribution="centos7",
            link=world.put("recipes/r", bucket="ims"),
            require_dkms=False,
            arch="aarch64",
            template_dictionary=[{"key": "a", "value": "b"}],
        ),
        "images": world.made(
            "/v3/images", name="i", link=world.manifest("i"), arch="aarch64", metadata={"a": "b"}
        ),
    }


def test_there_and_back_loses_nothing(world: World) -> None:
    for name, made in one_of_each(world).items():
        path = f"/{name}/{made['id']}"
        for verb in ("one", "all"):
            gone = world.ask("DELETE", f"/v3{path}" if verb == "one" else f"/v3/{name}")
            assert (gone.status, gone.body) == (204, b"")
            assert gone.headers == {"content-type": "application/json"}
            for base in ("", "/v2", "/v3"):
                assert is_problem(world.ask("GET", f"{base}{path}"), 404)
                assert world.ask("GET", f"{base}/{name}").json == []
            deleted = world.ask("GET", f"/v3/deleted{path}").json
            assert set(deleted) == {*made, "deleted"}
            assert world.ask("GET", f"/v3/deleted/{name}").json == [deleted]
            place = f"/v3/deleted{path}" if verb == "one" else f"/v3/deleted/{name}"
            back = world.ask("PATCH", place, UNDELETE)
            assert (back.status, back.body) == (204, b"")
            assert world.ask("GET", f"/v3{path}").json == made
            assert world.ask("GET", f"/v3/deleted/{name}").json == []
    assert world.deletion.waits
    assert max(world.deletion.waits) <= 0.5


def test_the_second_api_removes_for_ever(world: World) -> None:
    for name, made in one_of_each(world).items():
        assert world.ask("DELETE", f"/v2/{name}/{made['id']}").status == 204
        assert world.ask("GET", f"/v3/deleted/{name}").json == []
        assert is_problem(world.ask("DELETE", f"/v2/{name}/{made['id']}"), 404)
    for name, made in one_of_each(world).items():
        assert world.ask("DELETE", f"/{name}").status == 204
        assert world.ask("GET", f"/{name}").json == []
        assert made["id"] in [id_ for verb, id_, _ in world.deletion.calls if verb == "purge"]


@pytest.mark.parametrize(
    ("query", "objects"),
    [("", True), ("?cascade=True", True), ("?cascade=yes", True), ("?cascade=t", True), ("?cascade=1", True),
     ("?cascade=false", False), ("?cascade=", False), ("?cascade=on", False), ("?cascade=no&cascade=true", False)],
)  # fmt: skip
def test_cascade(world: World, query: str, objects: bool) -> None:
    made = one_of_each(world)
    world.ask("DELETE", f"/v2/images/{made['images']['id']}{query}")
    world.ask("DELETE", f"/recipes{query}")
    assert [each[2] for each in world.deletion.calls] == [objects, objects]
    assert (world.artifacts.head("ims", "recipes/r") is None) is objects


def test_deleted_ones_go_for_ever(world: World) -> None:
    made = one_of_each(world)
    for name in made:
        world.ask("DELETE", f"/v3/{name}")
    for name, each in made.items():
        path = f"/v3/deleted/{name}/{each['id']}"
        assert world.ask("DELETE", path).status == 204
        assert is_problem(world.ask("GET", path), 404)
        assert is_problem(world.ask("DELETE", path), 404)
        assert world.ask("DELETE", f"/v3/deleted/{name}").status == 204
    made = one_of_each(world)
    for name in made:
        world.ask("DELETE", f"/v3/{name}")
        assert world.ask("DELETE", f"/v3/deleted/{name}").status == 204
        assert world.ask("GET", f"/v3/deleted/{name}").json == []


def test_what_undeleting_takes(world: World) -> None:
    key = world.made("/v3/public-keys", name="k", public_key="p")["id"]
    world.ask("DELETE", f"/v3/public-keys/{key}")
    for path in (f"/v3/deleted/public-keys/{key}", "/v3/deleted/public-keys"):
        for content, errors in (
            ({"operation": "x"}, {"operation": ["Recipe type must be one of: undelete."]}),
            ({"zz": 1}, {"operation": ["Missing data for required field."], "zz": ["Unknown field."]}),
        ):
            assert world.ask("PATCH", path, content).json["errors"] == errors
        assert is_problem(world.ask("PATCH", path, {}), 400)
        assert world.ask("POST", path, UNDELETE).status == 405
    assert world.ask("GET", "/v3/public-keys").json == []
    assert world.ask("PATCH", "/v3/deleted/images", UNDELETE).status == 204


def test_an_image_whose_manifest_is_lost_stays_deleted(world: World) -> None:
    lost = world.made("/v3/images", name="i", link=world.manifest("b"))["id"]
    world.ask("DELETE", "/v3/images")
    world.artifacts.delete("boot-images", "deleted/b/manifest.json")
    for place in (f"/v3/deleted/images/{lost}", "/v3/deleted/images"):
        assert is_problem(world.ask("PATCH", place, UNDELETE), 422, "cannot be read")
    assert world.ask("GET", "/v3/images").json == []
    assert [each["id"] for each in world.ask("GET", "/v3/deleted/images").json] == [lost]


def test_a_link_that_has_been_taken_meanwhile(world: World) -> None:
    link = world.manifest("a")
    first = world.made("/v3/images", name="x", link=link)
    world.ask("DELETE", f"/v3/images/{first['id']}")
    other = Image(id="other", created=1, name="y", link=Link(link["path"]))
    world.add(other)
    text = f"The link path {link['path']} matches the link path for the IMS image record other."
    reply = world.ask("PATCH", f"/v3/deleted/images/{first['id']}", UNDELETE)
    assert is_problem(reply, 422, text)
    assert world.ask("GET", "/v3/deleted/images").json != []


def test_a_record_that_others_change_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    image = world.made("/v3/images", name="x")["id"]
    real = world.deletion.delete
    raced: list[str] = []

    def delete(record: Record, actor: Any) -> Record:
        if len(raced) < 3:
            raced.append(record.id)
            now = world.service.records.get(Image, image)
            assert now
            world.service.records.write(lambda tx: tx.replace(replace(now, name=f"{len(raced)}")))
        return real(record, actor)

    monkeypatch.setattr(world.deletion, "delete", delete)
    assert world.ask("DELETE", f"/v3/images/{image}").status == 204
    assert world.ask("GET", f"/v3/deleted/images/{image}").json["name"] == "3"

    def stale(record: Record, actor: Any) -> Record:
        raise StaleError("image", record.id)

    monkeypatch.setattr(world.deletion, "delete", stale)
    other = world.made("/v3/images", name="y")["id"]
    assert is_problem(world.ask("DELETE", f"/v3/images/{other}"), 409)


def test_many_that_others_change_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [world.made("/v3/images", name=f"{n}")["id"] for n in range(3)]
    real = world.deletion.delete_all
    times: list[int] = []

    def delete_all(records: Any, actor: Any) -> list[Record]:
        times.append(len(records))
        if len(times) == 1:
            raise StaleError("image", "x")
        return real(records, actor)

    monkeypatch.setattr(world.deletion, "delete_all", delete_all)
    assert world.ask("DELETE", "/v3/images").status == 204
    assert times == [3, 3]
    assert len(world.ask("GET", "/v3/deleted/images").json) == len(images)
    assert world.ask("DELETE", "/v3/images").status == 204
    assert times == [3, 3]

    def stale(records: Any, actor: Any) -> list[Record]:
        raise StaleError("image", "x")

    world.made("/v3/images", name="y")
    monkeypatch.setattr(world.deletion, "delete_all", stale)
    assert is_problem(world.ask("DELETE", "/v3/images"), 409)


def test_waiting_ends_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(world.deletion, "wait", lambda record, seconds: asked.append(seconds))
    world.made("/v3/images", name="none")
    for place in "ab":
        world.made("/v3/images", name=place, link=world.manifest(place))
    assert world.ask("DELETE", "/v3/images").status == 204
    assert len(asked) == 1  # there is no time left for the others
