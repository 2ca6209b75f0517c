"""Lists of artifacts and of uploads: pages, filters, and what each may see of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from slipway.service.model import Actor
from slipway.service.records.naming import owner, owners

if TYPE_CHECKING:
    from tests.service.v4.conftest import Api

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def keys(api: Api, query: str = "", path: str = "artifacts") -> list[str]:
    answer = api.get(f"/{path}?{query}")
    assert answer.status_code == 200, answer.text
    return [each["key"] for each in answer.json()["items"]]


def begin(api: Api, key: str, bucket: str = "boot-images") -> str:
    answer = api.post("/uploads", {"bucket": bucket, "key": key})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def actor(*roles: tuple[str, str]) -> Actor:
    return Actor("me", frozenset(roles))


def test_all_of_it(api: Api) -> None:
    image = api.linked()
    api("PUT", "/artifacts/ims/b", content=b"12", headers={"content-type": "text/x", "x-meta-a": "b"})
    items = api.get("/artifacts").json()["items"]
    manifest = f"{image['id']}/manifest.json"
    assert [(each["bucket"], each["key"]) for each in items] == [
        *sorted([("boot-images", manifest), ("boot-images", "i/rootfs")]),
        ("ims", "b"),
    ]
    by_key = {each["key"]: each for each in items}
    stored = by_key["b"]
    assert (stored["size"], stored["content_type"], stored["metadata"]) == (2, "text/x", {"a": "b"})
    assert (stored["record"], stored["linked"]) == (None, None)
    assert f'"{stored["etag"]}"' == api("HEAD", "/artifacts/ims/b").headers["etag"]
    of_image = {"kind": "image", "id": image["id"]}
    assert (by_key[manifest]["record"], by_key[manifest]["linked"]) == (of_image, of_image)
    api("DELETE", f"/images/{image['id']}")
    assert of_image in [each["record"] for each in api.get("/artifacts").json()["items"]]


def test_filters_and_pages(api: Api) -> None:
    names = [f"p/{number:02}" for number in range(7)]
    for name in (*names, "q"):
        api.put(name)
    api.put("p/ims", bucket="ims")
    assert keys(api, "bucket=ims") == ["p/ims"]
    assert keys(api, "prefix=p/&bucket=boot-images") == names
    assert keys(api, "prefix=p/") == [*names, "p/ims"]
    answer = api.get("/artifacts?limit=3&prefix=p/")
    seen = []
    while True:
        seen += [each["key"] for each in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        parts = urlsplit(answer.headers["link"].partition("; ")[0].strip("<>"))
        assert (parts.path, f"cursor={answer.json()['next']}" in parts.query) == ("/v4/artifacts", True)
        api("DELETE", f"/artifacts/boot-images/{names[0]}")  # what comes before the place shifts nothing
        answer = api.get(f"/artifacts?{parts.query}")
    assert seen == [*names, "p/ims"]
    assert "link" not in answer.headers
    assert len(keys(api, "limit=8&prefix=p/")) == 7
    assert api.get("/artifacts?limit=7&prefix=p/").json()["next"] is None


@pytest.mark.parametrize("path", ["artifacts", "uploads"])
def test_what_is_asked_wrongly(api: Api, path: str) -> None:
    api.put("a")
    api.put("b")
    begin(api, "a")
    begin(api, "b")
    cursor = api.get(f"/{path}?limit=1").json()["next"]
    assert keys(api, f"cursor={cursor}", path) == ["b"]
    half = "WyJ4IiwgIlx1ZDgwMCIsICJcdWQ4MDAiXQ"
    for query, place in (
        ("bucket=other", "bucket"),
        ("bucket=ims&bucket=ims", "bucket"),
        ("prefix=%00", "prefix"),
        ("limit=0", "limit"),
        ("name=x", "name"),
        ("cursor=x", "cursor"),
        (f"cursor={half}", "cursor"),
        (f"cursor={cursor}&prefix=a", "cursor"),
    ):
        answer = api.get(f"/{path}?{query}")
        assert answer.status_code == 422, query
        assert [each["parameter"] for each in answer.json()["errors"]] == [place]
    other = "uploads" if path == "artifacts" else "artifacts"
    assert api.get(f"/{other}?cursor={cursor}").status_code == 422


def test_each_sees_what_it_may_read(api: Api) -> None:
    mine, theirs = api.image("mine", project="a")["id"], api.image("theirs", project="b")["id"]
    for name in (mine, theirs):
        api.put(f"{name}/rootfs")
        api.put(f"deleted/{name}/kernel")
    for number in range(12):
        api.put(f"loose/{number:02}")
    loose = {"link": {"path": "s3://ims/loose.tar"}, "recipe_type": "kiwi-ng", "linux_distribution": "sles15"}
    api.put("loose.tar", bucket="ims")
    recipe = api.post("/recipes", {"name": "r", "project": "a", **loose})
    assert recipe.status_code == 201, recipe.text
    everything = keys(api)
    assert len(everything) == 17
    for role in ("viewer", "builder", "admin"):
        api.actor = actor(("a", role))
        assert keys(api) == [*sorted([f"{mine}/rootfs", f"deleted/{mine}/kernel"]), "loose.tar"]
        first = api.get("/artifacts?limit=2").json()
        assert len(first["items"]) == 2  # a full page, whatever was passed over
        assert keys(api, f"limit=2&cursor={first['next']}") == ["loose.tar"]
    api.actor = actor(("b", "viewer"))
    assert keys(api) == sorted([f"{theirs}/rootfs", f"deleted/{theirs}/kernel"])
    assert keys(api, "bucket=ims") == []
    api.actor = actor(("*", "viewer"))
    assert keys(api) == everything
    api.actor = actor()
    assert keys(api) == []


def test_many_keys_name_what_each_names(api: Api) -> None:
    image = api.image()["id"]
    made = {"name": "r", "recipe_type": "kiwi-ng", "linux_distribution": "sles15"}
    recipe = api.post("/recipes", made).json()["id"]
    gone = api.image("gone")["id"]
    api("DELETE", f"/images/{gone}")
    names = [image, recipe, gone, str(uuid4()), "a"]
    found = [f"{a}/{b}/{c}" for a in names for b in names for c in ("deleted", *names)]
    found += ["", f"a/b/c/d/{image}", f"{image}x/{recipe}", image]
    records = api.service.records
    expected = {key: owner(records, key) for key in found}
    assert owners(records, found) == {key: record for key, record in expected.items() if record}


def test_links_of_others_are_not_told(api: Api) -> None:
    mine = api.image("mine", project="a")["id"]
    api.put(f"{mine}/recipe.tar")
    link = {"link": {"path": f"s3://boot-images/{mine}/recipe.tar"}, "project": "b", "name": "r"}
    made = api.post("/recipes", {**link, "recipe_type": "kiwi-ng", "linux_distribution": "sles15"})
    assert made.status_code == 201, made.text
    assert api.get("/artifacts").json()["items"][0]["linked"] == {"kind": "recipe", "id": made.json()["id"]}
    api.actor = actor(("a", "builder"))
    [item] = api.get("/artifacts").json()["items"]
    assert (item["record"], item["linked"]) == ({"kind": "image", "id": mine}, None)
    api.actor = actor(("b", "builder"))
    assert keys(api) == []


def test_uploads(api: Api) -> None:
    mine, theirs = api.image("mine", project="a", owner="them")["id"], api.image("theirs", project="b")["id"]
    first, second = begin(api, f"{mine}/rootfs"), begin(api, f"{theirs}/rootfs")
    loose = begin(api, "loose", "ims")
    for part, size in ((1, 6_000_000), (2, 10)):
        assert api("PUT", f"/uploads/{first}/parts/{part}", content=b"x" * size).status_code == 200
    found = {each["id"]: each for each in api.get("/uploads").json()["items"]}
    assert set(found) == {first, second, loose}
    item: dict[str, Any] = found[first]
    assert (item["bucket"], item["key"], item["size"]) == ("boot-images", f"{mine}/rootfs", 6_000_010)
    assert (item["owner"], item["record"]) == ("them", {"kind": "image", "id": mine})
    assert 0 <= item["age"] < 60
    assert item["begun"].startswith("20")
    assert (found[loose]["owner"], found[loose]["record"], found[loose]["size"]) == (None, None, 0)
    assert keys(api, "bucket=ims", "uploads") == ["loose"]
    assert keys(api, f"prefix={mine}", "uploads") == [f"{mine}/rootfs"]
    page = api.get("/uploads?limit=2").json()
    assert keys(api, f"cursor={page['next']}", "uploads") == ["loose"]
    assert api.get("/uploads?limit=3").json()["next"] is None
    for roles, seen in (
        ((("a", "viewer"),), []),
        ((("a", "builder"),), [f"{mine}/rootfs"]),
        ((("a", "builder"), ("b", "viewer")), [f"{mine}/rootfs"]),
        ((("*", "viewer"),), []),
    ):
        api.actor = actor(*roles)
        assert keys(api, "", "uploads") == seen
    api.actor = actor(("a", "builder"))
    assert api("DELETE", f"/uploads/{first}").status_code == 204
    assert api("DELETE", f"/uploads/{second}").status_code == 404
    assert keys(api, "", "uploads") == []
