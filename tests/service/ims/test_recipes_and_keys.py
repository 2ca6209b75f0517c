"""Recipes, public keys and nodes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.ims.conftest import World, is_problem

RECIPE = {"name": "r", "recipe_type": "kiwi-ng", "linux_distribution": "sles15"}


def test_a_recipe_always_has_all_keys(world: World) -> None:
    made = world.made("/v3/recipes", **RECIPE)
    id_, created = made.pop("id"), made.pop("created")
    assert made == {**RECIPE, "link": None, "template_dictionary": [], "require_dkms": True, "arch": "x86_64"}
    assert world.ask("GET", f"/recipes/{id_}").json == {**made, "id": id_, "created": created}


def test_what_a_recipe_takes(world: World) -> None:
    pairs = [{"key": "a", "value": "b"}, {"key": "a", "value": "c"}]
    link = world.put("recipes/r/recipe.tar.gz", bucket="ims")
    made = world.made(
        "/v3/recipes", **RECIPE, link=link, template_dictionary=pairs, require_dkms="no", arch="aarch64"
    )
    assert (made["link"], made["template_dictionary"]) == (link, pairs)
    assert (made["require_dkms"], made["arch"]) == (False, "aarch64")
    assert world.made("/v3/recipes", **RECIPE, template_dictionary=None)["template_dictionary"] == []


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        ({"recipe_type": "x"}, {"recipe_type": ["Recipe type must be one of: kiwi-ng, packer."]}),
        (
            {"linux_distribution": "x"},
            {"linux_distribution": ["Recipe type must be one of: sles12, sles15, centos7."]},
        ),
        ({"metadata": {}}, {"metadata": ["Unknown field."]}),
        (
            {"template_dictionary": [{"key": "a"}]},
            {"template_dictionary": {"0": {"value": ["Missing data for required field."]}}},
        ),
        ({"template_dictionary": {"a": "b"}}, {"template_dictionary": ["Not a valid list."]}),
        ({"require_dkms": "maybe"}, {"require_dkms": ["Not a valid boolean."]}),
    ],
)
def test_recipe_validation(world: World, content: Any, errors: Any) -> None:
    reply = world.ask("POST", "/v2/recipes", {**RECIPE, **content})
    assert is_problem(reply, 422)
    assert reply.json["errors"] == errors


def test_recipe_changes(world: World) -> None:
    link = world.put("r", bucket="ims")
    recipe = world.made("/v3/recipes", **RECIPE)["id"]
    path = f"/v3/recipes/{recipe}"
    pairs = [{"key": "a", "value": "b"}]
    reply = world.ask(
        "PATCH",
        path,
        {"link": link, "arch": "aarch64", "require_dkms": False, "template_dictionary": pairs},
    )
    assert reply.status == 200
    assert (reply.json["link"], reply.json["arch"]) == (link, "aarch64")
    assert (reply.json["require_dkms"], reply.json["template_dictionary"]) == (False, pairs)
    assert world.ask("PATCH", path, {"template_dictionary": []}).json["template_dictionary"] == []
    assert world.ask("PATCH", path, {"link": link}).status == 200
    assert world.ask("PATCH", path, {"link": {**link, "etag": "z"}}).status == 409
    for field in ("name", "recipe_type", "linux_distribution"):
        assert world.ask("PATCH", path, {field: "x"}).json["errors"] == {field: ["Unknown field."]}
    assert is_problem(
        world.ask("PATCH", f"{path[:-3]}abc", {"link": {"path": "s3://ims/none", "type": "s3"}}), 404
    )


def test_public_keys(world: World) -> None:
    made = world.made("/v2/public-keys", name="k", public_key="not checked\n")
    assert list(made) == ["name", "public_key", "id", "created"]
    assert world.made("/v3/public-keys", name="k", public_key="again")["name"] == "k"
    reply = world.ask("POST", "/public-keys", {"name": "k", "public_key": ""})
    assert reply.json["errors"] == {"public_key": ["public_key field must not be blank"]}


def test_nodes(world: World) -> None:
    nodes = "/v3/remote-build-nodes"
    for _ in range(2):
        assert world.made(nodes, xname="x3000") == {"xname": "x3000"}
    world.made(nodes, xname="status")
    assert world.ask("GET", nodes).json == [{"xname": "x3000"}, {"xname": "status"}]
    assert world.ask("GET", f"{nodes}/x3000").json == {"xname": "x3000"}
    unknown = {
        "sshStatus": "Unknown",
        "podmanStatus": "Unknown",
        "nodeArch": "Unknown",
        "numCurrentJobs": -1,
        "ableToRunJobs": False,
    }
    assert world.ask("GET", f"{nodes}/status/x3000").json == {"xname": "x3000", **unknown}
    assert world.ask("GET", f"{nodes}/status").json == [
        {"xname": "x3000", **unknown},
        {"xname": "status", **unknown},
    ]
    assert is_problem(world.ask("GET", f"{nodes}/status/none"), 404)
    assert world.ask("DELETE", f"{nodes}/status").status == 204
    assert world.ask("DELETE", f"{nodes}/x3000").status == 204
    assert is_problem(world.ask("DELETE", f"{nodes}/x3000"), 404)
    assert world.ask("PATCH", f"{nodes}/x3000", {"xname": "y"}).status == 405
    world.made(nodes, xname="x3000")
    assert world.ask("GET", nodes).json == [{"xname": "x3000"}]
    assert world.ask("DELETE", nodes).status == 204
    assert world.ask("GET", nodes).json == []
    long = world.ask("POST", nodes, {"xname": "x" * 256})
    assert long.json["errors"] == {"xname": ["Longer than maximum length 255."]}
    assert world.ask("POST", nodes, {"xname": ""}).json["errors"] == {
        "xname": ["name field must not be blank"]
    }
