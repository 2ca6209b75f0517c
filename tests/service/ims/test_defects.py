"""What was wrong with IMS 3.33 as its clients met it, by the numbers of the contract's list (5.1), and is not so here.

1, 7 and 8 are affairs of the records and of the deletion; 14 is one of `benchmarks/`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from slipway.service.model import Job, PublicKey, Record
from slipway.service.records.store import Records
from tests.service.ims.conftest import World, is_problem

RECIPE = {"name": "r", "recipe_type": "packer", "linux_distribution": "sles15"}


def job(world: World, **more: Any) -> dict[str, Any]:
    key = world.made("/public-keys", name="k", public_key="ssh-rsa SECRETKEY")["id"]
    recipe = world.made("/recipes", **RECIPE, link=world.put(f"{uuid4()}"))["id"]
    asked = {"job_type": "create", "artifact_id": recipe, "public_key_id": key}
    return {**asked, "image_root_archive_name": "x", **more}


def test_2_deleting_a_collection_is_kept_and_so_is_what_comes_after(world: World, database: str) -> None:
    for path in ("/public-keys", "/v2/public-keys"):
        world.made(path, name="before", public_key="p")
        assert world.ask("DELETE", path).status == 204
        world.made(path, name="after", public_key="p")
        with Records.open(database) as again:
            assert [key.name for key in again.all(PublicKey)] == ["after"]


def test_3_nobody_waits_for_the_deletion_of_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(record: Record, seconds: float) -> bool:
        time.sleep(1)
        return True

    monkeypatch.setattr(world.deletion, "wait", wait)
    image = world.made("/v3/images", name="x", link=world.manifest("a"))["id"]
    waits: list[float] = []

    async def both() -> Any:
        ask = world.ask.ask
        slow = asyncio.ensure_future(ask("DELETE", f"/v3/images/{image}", b"", None, None))
        await asyncio.sleep(0.1)
        while not slow.done():
            begun = time.perf_counter()
            await ask("GET", "/v3/images", b"", None, None)
            waits.append(time.perf_counter() - begun)
            await asyncio.sleep(0.01)
        return await slow

    assert world.ask.runner.run(both()).status == 204
    assert len(waits) > 10
    assert sorted(waits)[len(waits) // 2] < 0.05


@pytest.mark.parametrize("age", ["zz", "", "10", "3%20days%20of%20hours"])
def test_4_an_age_that_means_nothing_deletes_nothing(world: World, age: str) -> None:
    world.made("/jobs", **job(world))
    assert world.ask("DELETE", f"/jobs?age={age}").status == 400
    assert len(world.ask("GET", "/jobs").json) == 1


def test_5_a_bad_manifest_leaves_no_record_in_two_collections(world: World) -> None:
    for place in "abc":
        world.made("/v3/images", name=place, link=world.manifest(place))
    world.put("b/manifest.json", b"{")
    assert world.ask("DELETE", "/v3/images").status == 204
    assert world.ask("GET", "/v3/images").json == []
    assert len(world.ask("GET", "/v3/deleted/images").json) == 3


def test_9_jobs_of_packer_recipes_are_taken(world: World) -> None:
    assert world.ask("POST", "/jobs", job(world)).status == 201


@pytest.mark.parametrize("text", ["with: colon", "'\"", "a\nb", "1.0", "$s3_host", "é", "- x"])
def test_10_texts_stay_what_they_are(world: World, text: str) -> None:
    asked = job(world, image_root_archive_name=text, initrd_file_name=text)
    made = world.made("/jobs", **asked)
    got = world.ask("GET", f"/jobs/{made['id']}").json
    assert (got["image_root_archive_name"], got["initrd_file_name"]) == (text, text)


def test_11_a_job_that_has_ended_does_not_run_again(world: World) -> None:
    path = f"/jobs/{world.made('/jobs', **job(world))['id']}"
    assert world.ask("PATCH", path, {"status": "success"}).status == 200
    assert is_problem(world.ask("PATCH", path, {"status": "creating"}), 409)


@pytest.mark.parametrize("content", [b"{", b"{}", b"[]", b"\xff", b"0"])
def test_12_manifests_that_are_none_are_refused_by_all(world: World, content: bytes) -> None:
    image = world.made("/v3/images", name="x")["id"]
    link = world.put("bad", content)
    assert is_problem(world.ask("POST", "/v3/images", {"name": "y", "link": link}), 422)
    assert is_problem(world.ask("PATCH", f"/v3/images/{image}", {"link": link}), 422)


def test_13_what_clients_get_wrong_is_said_to_be_their_fault(world: World) -> None:
    link = world.put("recipe", bucket="ims")
    recipe = world.made("/recipes", **RECIPE, link=link)["id"]
    text = f"The link path {link['path']} matches the link path for the IMS recipe record {recipe}."
    assert is_problem(world.ask("POST", "/recipes", {**RECIPE, "link": link}), 422, text)
    for path in ("/images", "/jobs"):
        assert is_problem(world.ask("POST", path, ["x"]), 422)
    http = {"path": "http://x/y", "type": "s3"}
    assert is_problem(world.ask("POST", "/images", {"name": "x", "link": http}), 422)
    reply = world.ask("PATCH", f"/recipes/{recipe}", {"template_dictionary": None})
    assert is_problem(reply, 422)
    assert reply.json["errors"] == {"template_dictionary": ["Field may not be null."]}
    keys: list[Any] = [5, None, [], {}]
    for key in keys:
        assert is_problem(world.ask("POST", "/images", {"name": "x", "metadata": {"key": key}}), 422)


def test_15_the_log_has_neither_addresses_nor_keys(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        world.made("/jobs", **job(world))
        world.ask("GET", "/public-keys")
    assert "SECRETKEY" not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_job_can_always_be_deleted(world: World) -> None:
    """Also one that has no Kubernetes objects, as imported ones may not."""
    made = world.made("/jobs", **job(world))
    stored = world.service.records
    record = stored.get(Job, made["id"])
    assert record
    stored.write(lambda tx: tx.replace(replace(record, kubernetes_service=None)))
    assert world.ask("DELETE", f"/jobs/{made['id']}").status == 204


def test_answers_are_valid_json_whatever_is_in_them(world: World) -> None:
    made = world.made("/images", name="\u2028\x7f</script>", metadata={"\u0001": "\U0001f600"})
    assert json.loads(world.ask("GET", "/images").body)[0] == made
