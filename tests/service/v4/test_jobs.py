"""Jobs: what they are made of, how they go on, and what the runner hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest

from slipway.errors import ToolError
from slipway.service.model import Actor

if TYPE_CHECKING:
    from tests.service.v4.conftest import Api, Runner


def runner(api: Api) -> Runner:
    return cast("Runner", api.service.runner)


def job(api: Api, **more: Any) -> dict[str, Any]:
    return {
        "job_type": "customize",
        "artifact_id": api.linked(str(uuid4()))["id"],
        "public_key_id": api.key()["id"],
        "image_root_archive_name": "made",
        **more,
    }


def test_a_job_runs_through_its_states(api: Api) -> None:
    made = api.post("/jobs", job(api))
    assert made.status_code == 201, made.text
    found = made.json()
    assert found["status"] == "creating"
    assert found["kernel_file_name"] == "vmlinuz"
    assert found["build_env_size"] == 60
    assert found["kubernetes_job"] == f"cray-ims-{found['id']}-customize"
    assert [each["name"] for each in found["ssh_containers"]] == ["customize"]
    where = f"/jobs/{found['id']}"
    assert api.patch(where, {"status": "success"}).json()["code"] == "order"
    for status in ("fetching_image", "waiting_on_user", "waiting_on_user", "packaging_artifacts"):
        assert api.patch(where, {"status": status}).status_code == 200
    assert api.patch(where, {"resultant_image_id": str(uuid4())}).status_code == 422
    image = api.image()["id"]
    assert api.patch(where, {"status": "success", "resultant_image_id": image}).status_code == 200
    for status in ("creating", "error"):
        assert api.patch(where, {"status": status}).status_code == 409
    assert [each["id"] for each in api.get("/jobs?status=success&job_type=customize").json()["items"]] == [
        found["id"]
    ]
    assert api("POST", f"{where}:undelete").status_code == 405
    assert api("DELETE", where).status_code == 204
    assert api.get(where).status_code == 404
    assert [call for call, _ in runner(api).calls] == ["start", "finished", "remove"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_a_job_cannot_be_made_of(api: Api) -> None:
    good = job(api)
    empty = api.image("empty")["id"]
    for change, place in (
        ({"artifact_id": str(uuid4())}, "#/artifact_id"),
        ({"artifact_id": empty}, "#/artifact_id"),
        ({"job_type": "create"}, "#/artifact_id"),
        ({"public_key_id": str(uuid4())}, "#/public_key_id"),
        ({"artifact_id": "x"}, "#/artifact_id"),
        ({"build_env_size": 0}, "#/build_env_size"),
        ({"build_env_size": 2**31}, "#/build_env_size"),
        ({"initrd_file_name": "a\nb"}, "#/initrd_file_name"),
        ({"ssh_containers": [{}, {}]}, "#/ssh_containers"),
    ):
        answer = api.post("/jobs", {**good, **change})
        assert answer.status_code == 422, (change, answer.text)
        assert [each["pointer"] for each in answer.json()["errors"]] == [place]
    assert runner(api).calls == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_runner_that_refuses(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ToolError("no room")

    good = job(api)
    monkeypatch.setattr(runner(api), "start", refuse)
    answer = api.post("/jobs", good)
    assert answer.status_code == 502
    assert api.get("/jobs").json()["items"] == []


def test_of_jobs_with_the_same_key_only_one_runs(api: Api) -> None:
    more = {"json": job(api), "headers": {"idempotency-key": "abc"}}
    answers = api.together(*[("POST", "/jobs", more)] * 5)
    assert {answer.status_code for answer in answers} == {201}
    [found] = api.get("/jobs").json()["items"]
    calls = runner(api).calls
    started = {id_ for call, id_ in calls if call == "start"}
    removed = {id_ for call, id_ in calls if call == "remove"}
    assert started - removed == {found["id"]}


def test_a_bulk_that_is_refused_has_not_begun_anything(api: Api) -> None:
    kept, image = api.post("/jobs", job(api)).json()["id"], api.image()["id"]
    runner(api).calls.clear()
    late = [
        {"op": "delete", "kind": "image", "id": image},
        {
            "op": "patch",
            "kind": "image",
            "id": image,
            "body": {"name": "late"},
        },  # what only the transaction sees
    ]
    for first in (
        {"op": "create", "kind": "job", "body": job(api)},
        {"op": "delete", "kind": "job", "id": kept},
        {"op": "patch", "kind": "job", "id": kept, "body": {"status": "error"}},
    ):
        answer = api.post("/bulk", {"operations": [first, *late]})
        assert answer.status_code == 409, answer.text
        wrong = {"op": "delete", "kind": "node", "id": "nowhere"}  # what shows before
        assert api.post("/bulk", {"operations": [first, wrong]}).status_code == 404
    assert runner(api).calls == []
    [found] = api.get("/jobs").json()["items"]
    assert (found["id"], found["status"]) == (kept, "creating")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_bulk_that_the_runner_refuses_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ToolError("no room")

    kept, image = api.post("/jobs", job(api)).json()["id"], api.image("kept")["id"]
    runner(api).calls.clear()
    monkeypatch.setattr(runner(api), "finished", refuse)
    operations = [
        {"op": "patch", "kind": "job", "id": kept, "body": {"status": "error"}},
        {"op": "create", "kind": "job", "body": job(api)},
        {"op": "delete", "kind": "image", "id": image},
    ]
    answer = api.post("/bulk", {"operations": operations})
    assert answer.status_code == 502, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#/operations/0"]
    assert [call for call, _ in runner(api).calls] == ["start", "remove"]  # begun, and taken back
    assert len({identity for _, identity in runner(api).calls}) == 1
    [found] = api.get("/jobs").json()["items"]
    assert (found["id"], found["status"]) == (kept, "creating")
    assert api.get(f"/images/{image}").json()["state"] == "live"


def test_jobs_of_a_bulk_begin_once(api: Api) -> None:
    kept = api.post("/jobs", job(api)).json()["id"]
    runner(api).calls.clear()
    operations = [
        {"op": "create", "kind": "job", "body": job(api)},
        {"op": "delete", "kind": "job", "id": kept},
    ]
    more = {"headers": {"idempotency-key": "one"}}
    answer = api.post("/bulk", {"operations": operations}, **more)
    assert answer.status_code == 200, answer.text
    made = answer.json()["results"][0]["id"]
    assert api.post("/bulk", {"operations": operations}, **more).json() == answer.json()
    assert runner(api).calls == [("start", made), ("remove", kept)]
    assert [each["id"] for each in api.get("/jobs").json()["items"]] == [made]
    assert len(api.get(f"/audit?record={made}").json()["items"]) == 1  # what was tried has left no trace


def test_of_another_project_nothing_can_be_used(api: Api) -> None:
    good = job(api)
    api.actor = Actor("me", frozenset({("a", "builder")}))
    answer = api.post("/jobs", good)
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#/artifact_id"]
