"""Several changes as one, with the durable deletion of the service."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from slipway.service.deletion.durable import DurableDeletion
from slipway.service.model import Actor
from tests.service.v4.conftest import Api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.state import Service


@pytest.fixture
def service(service: Service) -> Iterator[Service]:
    deletion = DurableDeletion(service.records, service.artifacts, service.settings)
    yield replace(service, deletion=deletion)
    deletion.close()


def settled(api: Api, image: str, state: str) -> None:
    until = time.monotonic() + 20
    while api.get(f"/images/{image}").json().get("state") != state:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_all_of_it(api: Api) -> None:
    first, second, third = api.linked("a"), api.linked("b"), api.image("c")
    key = api.key()
    operations: list[dict[str, Any]] = [
        {"op": "create", "kind": "image", "body": {"name": "new"}},
        {"op": "patch", "kind": "image", "id": third["id"], "body": {"name": "renamed"}},
        {"op": "delete", "kind": "image", "id": first["id"]},
        {"op": "purge", "kind": "image", "id": second["id"]},
        {"op": "delete", "kind": "public-key", "id": key["id"]},
    ]
    headers = {"idempotency-key": "k"}
    answer = api.post("/bulk", {"operations": operations}, headers=headers)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [each["op"] for each in results] == ["create", "patch", "delete", "purge", "delete"]
    assert results[0]["record"]["name"] == "new"
    assert results[2]["task"]
    assert api.get(f"/images/{third['id']}").json()["name"] == "renamed"
    assert api.get(f"/images/{second['id']}").status_code == 404
    settled(api, first["id"], "deleted")
    assert api.get("/artifacts/boot-images/a/rootfs").status_code == 404
    tasks = api.get(results[2]["task"].removeprefix("/v4")).json()["items"]
    assert [(each["verb"], each["status"], each["moved"]) for each in tasks] == [("delete", "done", 2)]
    assert api.get(f"/tasks/{tasks[0]['id']}").json() == tasks[0]
    assert api("POST", f"/tasks/{tasks[0]['id']}:retry").json()["code"] == "nothing-to-do"
    assert api.get("/tasks/image.x.delete.1.0").status_code == 404
    again = api.post("/bulk", {"operations": operations}, headers=headers)
    assert again.json() == answer.json()
    assert len([each for each in api.get("/images").json()["items"] if each["name"] == "new"]) == 1

    back = [{"op": "undelete", "kind": "image", "id": first["id"]}]
    assert api.post("/bulk", {"operations": back}).status_code == 200
    settled(api, first["id"], "live")
    assert api.get("/artifacts/boot-images/a/rootfs").content == b"root"


def test_or_nothing(api: Api) -> None:
    image = api.image("kept")
    operations: list[dict[str, Any]] = [
        {"op": "create", "kind": "image", "body": {"name": "new"}},
        {"op": "delete", "kind": "image", "id": image["id"]},
        {"op": "patch", "kind": "image", "id": image["id"], "body": {"name": "late"}},
    ]
    answer = api.post("/bulk", {"operations": operations})
    assert answer.status_code == 409
    assert [each["index"] for each in answer.json()["operations"]] == [2]
    assert answer.json()["errors"][0]["pointer"] == "#/operations/2"
    assert [each["name"] for each in api.get("/images").json()["items"]] == ["kept"]

    operations = [
        {"op": "create", "kind": "image", "body": {"name": 5}},
        {"op": "delete", "kind": "image", "id": image["id"]},
        {"op": "delete", "kind": "image", "id": str(uuid4())},
        {"op": "patch", "kind": "image", "id": image["id"]},
    ]
    answer = api.post("/bulk", {"operations": operations})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [
        "#/operations/0/body/name",
        "#/operations/2",
        "#/operations/3",
    ]
    assert [each["status"] for each in answer.json()["operations"]] == [422, 404, 422]
    assert api.get(f"/images/{image['id']}").json()["state"] == "live"
    stale = [{"op": "delete", "kind": "image", "id": image["id"], "if_match": '"9-x"'}]
    assert api.post("/bulk", {"operations": stale}).status_code == 412
    purge = [{"op": "purge", "kind": "image", "id": image["id"]}]
    api.actor = Actor("me", frozenset({("default", "builder")}))
    assert api.post("/bulk", {"operations": purge}).status_code == 403


def test_a_deletion_by_itself(api: Api) -> None:
    image = api.linked("a")
    where = f"/images/{image['id']}"
    answer = api("DELETE", where)
    assert answer.status_code == 202
    assert answer.headers["location"].startswith("/v4/tasks")
    assert api.get(answer.headers["location"].removeprefix("/v4")).status_code == 200
    settled(api, image["id"], "deleted")
    assert api("DELETE", where).status_code == 204
    assert api("POST", f"{where}:undelete").status_code in (200, 202)
    settled(api, image["id"], "live")
    assert api("DELETE", f"{where}?purge=true").status_code in (202, 204)
    assert api.get(where).status_code == 404
