"""Who may do what, where somebody has signed in."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.service.auth.roles import home, projects
from slipway.service.ims.rights import may_purge
from slipway.service.model import Actor, PublicKey
from tests.service.ims.conftest import ROOTFS, World, is_problem


def actor(*roles: tuple[str, str], name: str = "me") -> Actor:
    return Actor(name, frozenset(roles))


ANN = actor(("a", "builder"), name="ann")
EVE = actor(("a", "viewer"), ("b", "builder"), name="eve")
ADMIN = actor(("*", "admin"), name="root")
NOBODY = actor()
KEY = {"name": "k", "public_key": "p"}


def test_roles() -> None:
    assert projects(EVE) == frozenset("ab")
    assert projects(ADMIN) is None
    assert (home(ANN), home(EVE), home(NOBODY), home(ADMIN)) == ("a", "b", "", "default")
    assert home(actor(("a", "builder"), ("b", "builder"))) == ""
    mine = PublicKey(id="1", created=1, name="n", public_key="p", owner="ann", project="a")
    assert may_purge(ANN, mine)
    assert not may_purge(actor(("a", "builder"), name="bob"), mine)
    assert may_purge(ADMIN, mine)
    assert not may_purge(
        actor(("a", "builder"), name=""), PublicKey(id="1", created=1, name="n", public_key="p", project="a")
    )


def test_what_each_sees(world: World) -> None:
    mine = world.ask("POST", "/public-keys", KEY, actor=ANN).json["id"]
    hers = world.ask("POST", "/public-keys", KEY, actor=EVE).json["id"]
    stored = world.service.records.get(PublicKey, mine)
    assert stored
    assert (stored.project, stored.owner) == ("a", "ann")

    def seen(who: Actor) -> list[Any]:
        return [each["id"] for each in world.ask("GET", "/v3/public-keys", actor=who).json]

    assert seen(ADMIN) == seen(EVE) == [mine, hers]
    assert seen(ANN) == [mine]
    assert seen(NOBODY) == []
    assert is_problem(world.ask("GET", f"/public-keys/{hers}", actor=ANN), 404)
    assert world.ask("GET", f"/public-keys/{mine}", actor=EVE).status == 200


@pytest.mark.parametrize("path", ["/public-keys", "/recipes", "/images", "/jobs", "/v3/remote-build-nodes"])
def test_who_may_not_make_anything(world: World, path: str) -> None:
    for who in (NOBODY, actor(("a", "viewer"))):
        assert is_problem(world.ask("POST", path, KEY, actor=who), 403)


def test_who_may_delete(world: World) -> None:
    mine = world.ask("POST", "/public-keys", KEY, actor=ANN).json["id"]
    assert is_problem(world.ask("DELETE", f"/v3/public-keys/{mine}", actor=EVE), 403)
    assert is_problem(world.ask("DELETE", f"/v2/public-keys/{mine}", actor=EVE), 403)
    assert is_problem(world.ask("DELETE", f"/v3/public-keys/{mine}", actor=NOBODY), 404)
    assert world.ask("DELETE", "/v3/public-keys", actor=EVE).status == 204
    assert world.ask("DELETE", "/v2/public-keys", actor=EVE).status == 204
    assert len(world.ask("GET", "/public-keys").json) == 1
    bob = actor(("a", "builder"), name="bob")
    assert world.ask("DELETE", f"/v3/public-keys/{mine}", actor=bob).status == 204
    assert is_problem(world.ask("DELETE", f"/v3/deleted/public-keys/{mine}", actor=bob), 403)
    assert world.ask("DELETE", f"/v3/deleted/public-keys/{mine}", actor=ANN).status == 204


def test_who_may_change(world: World) -> None:
    image = world.ask("POST", "/images", {"name": "x"}, actor=ANN).json["id"]
    change = {"arch": "aarch64"}
    assert is_problem(world.ask("PATCH", f"/images/{image}", change, actor=EVE), 403)
    assert world.ask("PATCH", f"/images/{image}", change, actor=ANN).status == 200
    event = world.service.records.events(record=image)[-1]
    assert (event.actor, event.action) == ("ann", "changed")


def test_jobs_use_what_their_maker_sees(world: World) -> None:
    key = world.ask("POST", "/public-keys", KEY, actor=ANN).json["id"]
    recipe = {"name": "r", "recipe_type": "packer", "linux_distribution": "sles15", "link": world.put("r")}
    source = world.ask("POST", "/recipes", recipe, actor=ANN).json["id"]
    asked = {
        "job_type": "create",
        "artifact_id": source,
        "public_key_id": key,
        "image_root_archive_name": "x",
    }
    assert world.ask("POST", "/jobs", asked, actor=EVE).status == 201
    stranger = actor(("c", "builder"))
    assert is_problem(world.ask("POST", "/jobs", asked, actor=stranger), 400, "No IMS recipe record found")


def test_jobs_use_nothing_of_others_through_a_manifest(world: World) -> None:
    """It may have been written over after it was linked."""
    key = world.ask("POST", "/public-keys", KEY, actor=EVE).json["id"]
    image, hers = (world.ask("POST", "/images", {"name": "x"}, actor=who).json["id"] for who in (EVE, ANN))
    link = world.manifest(image)
    assert world.ask("PATCH", f"/images/{image}", {"link": link}, actor=EVE).status == 200
    asked = {
        "job_type": "customize",
        "artifact_id": image,
        "public_key_id": key,
        "image_root_archive_name": "x",
    }
    assert world.ask("POST", "/jobs", asked, actor=EVE).status == 201
    stranger = actor(("b", "builder"))
    world.manifest(image, {"link": world.put(f"{hers}/rootfs"), "type": ROOTFS})
    assert is_problem(world.ask("POST", "/jobs", asked, actor=stranger), 422, "cannot be validated")
    assert world.ask("POST", "/jobs", asked, actor=EVE).status == 201  # sees the other project as well


def test_nobody_links_what_belongs_to_others(world: World) -> None:
    """Or its bytes would be read, and removed, with a record of one's own."""
    image = world.ask("POST", "/images", {"name": "x"}, actor=ANN).json["id"]
    link = world.manifest(image)
    content = {"name": "y", "link": link}
    assert is_problem(world.ask("POST", "/images", content, actor=EVE), 422, "cannot be validated")
    recipe = {"name": "r", "recipe_type": "packer", "linux_distribution": "sles15", "link": link}
    assert is_problem(world.ask("POST", "/recipes", recipe, actor=EVE), 422, "cannot be validated")
    foreign = {"link": world.put(f"{image}/rootfs"), "type": "application/vnd.cray.image.rootfs.squashfs"}
    listed = {"name": "y", "link": world.manifest("free", foreign)}
    assert is_problem(world.ask("POST", "/images", listed, actor=EVE), 422, "cannot be validated")
    assert world.ask("PATCH", f"/images/{image}", {"link": link}, actor=ANN).status == 200
