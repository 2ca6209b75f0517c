"""The API over the real deletion, on both databases."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.service.deletion.durable import DurableDeletion
from slipway.service.ims.api import application
from slipway.service.model import Actor
from tests.service.ims.client import Client
from tests.service.ims.conftest import World, is_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

UNDELETE = {"operation": "undelete"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/db/service.db"
    return str(request.getfixturevalue("new_postgres"))


@pytest.fixture
def real(world: World) -> Iterator[World]:
    settings = replace(world.service.settings, deletion_wait=20)
    deletion = DurableDeletion(world.service.records, world.artifacts, settings)
    service = replace(world.service, deletion=deletion, settings=settings)
    client = Client(application(service))
    yield World(service, client, world.deletion, world.artifacts)
    client.close()
    deletion.close()


def keys(world: World) -> list[str]:
    return [stat.key for stat in world.artifacts.walk("boot-images")]


def test_images_there_and_back(real: World) -> None:
    made = real.made("/v3/images", name="i", link=real.manifest("i"), metadata={"a": "b"}, arch="aarch64")
    before = keys(real)
    path = f"/images/{made['id']}"
    for place, back in (
        (f"/v3{path}", f"/v3/deleted{path}"),
        ("/v3/images", "/v3/deleted/images"),
    ):
        assert real.ask("DELETE", place).status == 204
        assert real.ask("GET", f"/v3{path}").status == 404
        deleted = real.ask("GET", f"/v3/deleted{path}").json
        assert deleted["link"] == {
            "path": f"s3://boot-images/deleted/{made['id']}/deleted_manifest.json",
            "etag": "",
            "type": "s3",
        }
        assert all(key.startswith("deleted/") for key in keys(real))
        manifest = real.artifacts.read("boot-images", f"deleted/{made['id']}/deleted_manifest.json", 1 << 20)
        assert len(json.loads(manifest)["artifacts"]) == 2
        assert real.ask("PATCH", back, UNDELETE).status == 204
        assert real.ask("GET", f"/v3{path}").json == made
        assert keys(real) == before
    assert real.ask("DELETE", f"/v2{path}").status == 204
    assert keys(real) == []


def test_others_and_for_ever(real: World) -> None:
    recipe = {"name": "r", "recipe_type": "packer", "linux_distribution": "sles15"}
    made: dict[str, Any] = {
        "recipes": real.made("/v3/recipes", **recipe, link=real.put("r", bucket="ims")),
        "public-keys": real.made("/v3/public-keys", name="k", public_key="p"),
    }
    for name, each in made.items():
        path = f"/{name}/{each['id']}"
        assert (
            real.ask("DELETE", f"/v3{path}", actor=Actor("ann", frozenset({("default", "builder")}))).status
            == 204
        )
        assert real.ask("PATCH", f"/v3/deleted{path}", UNDELETE).status == 204
        assert real.ask("GET", f"/v3{path}").json == each
        assert real.ask("DELETE", f"/v3/{name}").status == 204
        assert real.ask("DELETE", f"/v3/deleted{path}").status == 204
        assert is_problem(real.ask("GET", f"/v3/deleted{path}"), 404)
        assert real.ask("PATCH", f"/v3/deleted/{name}", UNDELETE).status == 204
    assert list(real.artifacts.walk("ims")) == []
    real.made("/v2/recipes", **recipe, link=real.put("r", bucket="ims"))
    assert real.ask("DELETE", "/v2/recipes?cascade=false").status == 204
    assert [stat.key for stat in real.artifacts.walk("ims")] == ["r"]


def test_an_image_without_its_manifest_can_be_deleted(real: World) -> None:
    """What helpers do that clean up after a failed upload."""
    image = real.made("/v3/images", name="i", link=real.manifest("i"))["id"]
    real.artifacts.delete("boot-images", "i/manifest.json")
    assert real.ask("DELETE", f"/v3/images/{image}").status == 204
    assert real.ask("GET", f"/v3/deleted/images/{image}").status == 200


def test_many_at_once(real: World) -> None:
    for number in range(40):
        real.made("/v3/images", name=f"{number}")
    begun = time.perf_counter()
    assert real.ask("DELETE", "/v3/images").status == 204
    assert len(real.ask("GET", "/v3/deleted/images").json) == 40
    assert real.ask("PATCH", "/v3/deleted/images", UNDELETE).status == 204
    assert len(real.ask("GET", "/v2/images").json) == 40
    assert real.ask("DELETE", "/v2/images").status == 204
    assert real.ask("GET", "/v3/deleted/images").json == []
    assert time.perf_counter() - begun < 20
