"""Records through the API: made, read, changed on conditions, deleted and brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from slipway.service.model import Actor

if TYPE_CHECKING:
    import httpx2

    from tests.service.v4.conftest import Api


def pointers(answer: httpx2.Response) -> list[str]:
    return [
        each.get("pointer") or each.get("parameter") or each.get("header") for each in answer.json()["errors"]
    ]


def test_an_image_from_its_beginning_to_its_end(api: Api) -> None:
    made = api.post("/images", {"name": "one", "metadata": {"a": "1"}})
    assert made.status_code == 201
    image = made.json()
    where = f"/images/{image['id']}"
    assert made.headers["location"] == f"/v4{where}"
    assert image["name"] == "one"
    assert image["arch"] == "x86_64"
    assert image["state"] == "live"
    assert image["created"].endswith("Z")
    found = api.get(where)
    assert found.json() == image
    assert found.headers["etag"] == made.headers["etag"]
    assert api.get(where, headers={"if-none-match": found.headers["etag"]}).status_code == 304

    etag = found.headers["etag"]
    patch = {"name": "two", "metadata": {"a": None, "b": "2", "c": "3"}, "arch": "aarch64"}
    changed = api.patch(where, patch, headers={"if-match": etag})
    assert changed.status_code == 200
    assert changed.json()["name"] == "two"
    assert changed.json()["metadata"] == {"b": "2", "c": "3"}
    assert changed.json()["version"] == 2
    late = api.patch(where, {"name": "three"}, headers={"if-match": etag})
    assert late.status_code == 412
    assert late.json()["code"] == "stale"
    assert api("DELETE", where, headers={"if-match": etag}).status_code == 412

    assert api("DELETE", where).status_code == 204
    assert api.get(where).json()["state"] == "deleted"
    assert api.get("/images").json()["items"] == []
    [gone] = api.get("/images?deleted=true").json()["items"]
    assert gone["id"] == image["id"]
    assert gone["deleted"]
    assert api("DELETE", where).status_code == 204
    assert api.patch(where, {"name": "x"}).status_code == 409
    back = api("POST", f"{where}:undelete")
    assert back.status_code == 200
    assert back.json()["state"] == "live"
    assert back.json()["metadata"] == {"b": "2", "c": "3"}
    assert api("DELETE", f"{where}?purge=true").status_code == 204
    missing = api.get(where)
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["request_id"] == "r-1"
    assert api("DELETE", where).status_code == 404


def test_each_kind_can_be_made_and_renamed(api: Api) -> None:
    recipe = {
        "name": "r",
        "recipe_type": "kiwi-ng",
        "linux_distribution": "sles15",
        "template_dictionary": {"a": "b"},
    }
    for path, content, patch in (
        ("recipes", recipe, {"name": "s", "template_dictionary": {"a": None, "c": "d"}}),
        ("public-keys", {"name": "r", "public_key": "k"}, {"name": "s"}),
        ("nodes", {"xname": "x3000c0"}, {"project": "p"}),
    ):
        made = api.post(f"/{path}", content)
        assert made.status_code == 201, made.text
        answer = api.patch(f"/{path}/{made.json()['id']}", patch)
        assert answer.status_code == 200, answer.text
        assert answer.json()["version"] == 2
        if path == "recipes":
            assert answer.json()["name"] == "s"
            assert answer.json()["template_dictionary"] == {"c": "d"}
    taken = api.post("/nodes", {"xname": "x3000c0"})
    assert taken.status_code == 409
    assert taken.json()["other"] == "x3000c0"


def test_all_that_is_wrong_is_told_with_its_place(api: Api) -> None:
    answer = api.post(
        "/images", {"arch": "z80", "metadata": {"a/b": 1}, "id": "x", "link": {"path": "nowhere"}}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert sorted(pointers(answer)) == ["#/arch", "#/id", "#/link/path", "#/metadata/a~1b", "#/name"]
    image = api.image()
    answer = api.patch(f"/images/{image['id']}", {"name": None, "created": 5, "arch": 1})
    assert answer.status_code == 422
    assert pointers(answer) == ["#/name", "#/arch", "#/created"]
    other: tuple[object, ...] = ("no", [], 5, False)
    for bad in other:
        assert api.patch(f"/images/{image['id']}", bad).status_code == 422
        assert api.post("/images", bad).status_code == 422


def test_bodies_that_cannot_be_read(api: Api) -> None:
    json = {"content-type": "application/json"}
    for text in (b"{", b"\xff", b'{"a": NaN}', b"[" * 50_000, b'{"name": %s}' % (b"9" * 10_000)):
        assert api("POST", "/images", content=text, headers=json).status_code == 400
    assert api("POST", "/images", content=b"{}").status_code == 415
    assert api("POST", "/images", content=b"x" * 100_001, headers=json).status_code == 413
    for name in ("\0", "\ud800"):
        answer = api(
            "POST", "/images", content=b'{"name": "%s"}' % name.encode("unicode_escape"), headers=json
        )
        assert answer.status_code in (400, 422)
    image = api.image()
    wrong = api(
        "PATCH",
        f"/images/{image['id']}",
        content=b"{}",
        headers={"content-type": "application/json-patch+json"},
    )
    assert wrong.status_code == 415
    assert "merge-patch" in wrong.headers["accept-patch"]


def test_addresses_and_methods_that_are_not_there(api: Api) -> None:
    assert api.get("/nothing").json()["code"] == "not-found"
    answer = api("PUT", "/images")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert answer.headers["content-type"] == "application/problem+json"
    assert api.get(f"/images/{uuid4()}").status_code == 404
    assert api.get("/images/%00").status_code == 404
    assert api.get("/images", headers={"accept": "text/html"}).status_code == 406
    assert api.get("/images", headers={"accept": "text/html, */*;q=0.1"}).status_code == 200
    head = api("HEAD", "/images")
    assert head.status_code == 200
    assert head.headers["etag"]


def test_what_fails_inside_is_told_without_what_is_inside(api: Api, monkeypatch: Any, caplog: Any) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(type(api.service.records), "page", broken)
    answer = api.get("/images")
    assert answer.status_code == 500
    assert answer.json()["request_id"] == "r-1"
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text


def test_a_key_makes_a_request_once(api: Api) -> None:
    headers = {"idempotency-key": "abc"}
    first = api.post("/images", {"name": "a"}, headers=headers)
    again = api.post("/images", {"name": "a"}, headers=headers)
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert api.post("/images", {"name": "b"}, headers=headers).json()["code"] == "key-used"
    assert len(api.get("/images").json()["items"]) == 1
    api.actor = Actor("other")
    assert api.post("/images", {"name": "b"}, headers=headers).status_code == 201
    assert api.post("/images", {"name": "b"}, headers={"idempotency-key": ""}).status_code == 422


def test_of_many_with_the_same_key_one_wins(api: Api) -> None:
    more = {"json": {"name": "a"}, "headers": {"idempotency-key": "abc"}}
    answers = api.together(*[("POST", "/images", more)] * 20)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(api.get("/images").json()["items"]) == 1


def test_what_is_refused_is_not_remembered(api: Api) -> None:
    headers = {"idempotency-key": "abc"}
    body = {"xname": "x1"}
    assert api.post("/nodes", body).status_code == 201
    assert api.post("/nodes", body, headers=headers).status_code == 409
    assert api("DELETE", "/nodes/x1").status_code == 204
    assert api.post("/nodes", body, headers=headers).status_code == 201


def test_projects_limit_what_is_seen_and_done(api: Api) -> None:
    theirs = api.image("theirs", project="b")
    api.actor = Actor("me", frozenset({("a", "builder"), ("c", "viewer")}))
    mine = api.image("mine")
    assert (mine["project"], mine["owner"]) == ("a", "me")
    assert [each["name"] for each in api.get("/images?count=true").json()["items"]] == ["mine"]
    assert api.get("/images?count=true").json()["total"] == 1
    where = f"/images/{theirs['id']}"
    for answer in (
        api.get(where),
        api.patch(where, {}),
        api("DELETE", where),
        api("POST", f"{where}:undelete"),
    ):
        assert answer.status_code == 404
    assert api.post("/images", {"name": "x", "project": "b"}).status_code == 403
    assert api.post("/images", {"name": "x", "project": "c"}).status_code == 403
    assert api.post("/images", {"name": "x", "owner": "you"}).status_code == 403
    assert api.patch(f"/images/{mine['id']}", {"project": "c"}).status_code == 403
    assert api("DELETE", f"/images/{mine['id']}?purge=true").status_code == 403
    assert [each["record"] for each in api.get("/audit").json()["items"]] == [mine["id"]]
    api.actor = Actor("me", frozenset({("a", "viewer")}))
    assert api.get(f"/images/{mine['id']}").status_code == 200
    assert api.patch(f"/images/{mine['id']}", {"name": "x"}).status_code == 403
    assert api("DELETE", f"/images/{mine['id']}").status_code == 403


def test_links(api: Api) -> None:
    image = api.linked()
    link = image["link"]
    assert link["path"] == f"s3://boot-images/{image['id']}/manifest.json"
    assert api.post("/images", {"name": "j", "link": link}).json()["other"] == image["id"]
    where = f"/images/{image['id']}"
    assert api.patch(where, {"link": link}).status_code == 200
    assert api.patch(where, {"link": None}).json()["code"] == "linked"
    other = {"path": "s3://boot-images/i/rootfs"}
    assert api.patch(where, {"link": other}).status_code == 409
    empty = f"/images/{api.image('empty')['id']}"
    for bad in ({"path": "s3://boot-images/none"}, other, {"path": "s3://b/c"}):
        answer = api.patch(empty, {"link": bad})
        assert answer.status_code == 422, answer.text
        assert pointers(answer) == ["#/link/path"]
    answer = api.post(
        "/images", {"name": "x", "artifacts": [{"type": "a/b", "path": "s3://boot-images/none"}]}
    )
    assert pointers(answer) == ["#/artifacts/0/path", "#/artifacts"]
    api.put("big.json", b"{" + b" " * (1 << 20), "ims")
    assert pointers(api.patch(empty, {"link": {"path": "s3://ims/big.json"}})) == ["#/link/path"]


def test_another_projects_artifacts_cannot_be_linked(api: Api) -> None:
    theirs = api.image("theirs", project="b")
    path = api.put(f"{theirs['id']}/recipe.tgz")
    api.actor = Actor("me", frozenset({("a", "builder")}))
    recipe = {"name": "r", "recipe_type": "kiwi-ng", "linux_distribution": "sles15", "link": {"path": path}}
    assert pointers(api.post("/recipes", recipe)) == ["#/link/path"]
    assert api.get(f"/artifacts/boot-images/{theirs['id']}/recipe.tgz").status_code == 404
    assert api("PUT", f"/artifacts/boot-images/{theirs['id']}/recipe.tgz", content=b"").status_code == 404
