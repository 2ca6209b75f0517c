"""Artifacts: in one pass, in parts, in ranges, and by address."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from slipway.service.model import Actor
from slipway.service.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.service.v4.conftest import Api

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PATH = "/artifacts/boot-images/some/root fs+%C3%BC"


def b64(name: str, data: bytes) -> str:
    return base64.b64encode(hashlib.new(name, data).digest()).decode()


def test_there_and_back(api: Api) -> None:
    data = bytes(range(256)) * 10_000
    made = api("PUT", PATH, content=data, headers={"content-type": "text/html", "x-meta-md5sum": "abc"})
    assert made.status_code == 201
    assert made.json()["md5"] == hashlib.md5(data).hexdigest()
    assert made.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert made.json()["path"] == "s3://boot-images/some/root fs+ü"
    found = api.get(PATH)
    assert found.content == data
    assert found.headers["etag"] == made.headers["etag"]
    assert found.headers["content-type"] == "text/html"
    assert found.headers["content-disposition"] == "attachment"
    assert found.headers["x-meta-md5sum"] == "abc"
    assert f"sha-256=:{b64('sha256', data)}:" in found.headers["repr-digest"]
    head = api("HEAD", PATH)
    assert head.headers["content-length"] == str(len(data))
    assert api.get(PATH, headers={"if-none-match": found.headers["etag"]}).status_code == 304
    assert api("DELETE", PATH, headers={"if-match": '"other"'}).status_code == 412
    assert api("DELETE", PATH).status_code == 204
    assert api.get(PATH).status_code == 404
    api.put("empty", b"")
    assert api.get("/artifacts/boot-images/empty").content == b""


@pytest.mark.parametrize(
    ("range_", "status", "expected"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=5-", 206, b"56789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=-100", 206, b"0123456789"),
        ("bytes=10-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=3-2", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("lines=0-1", 200, b"0123456789"),
        ("bytes=x", 200, b"0123456789"),
    ],
)
def test_ranges(api: Api, range_: str, status: int, expected: bytes) -> None:
    api.put("digits", b"0123456789")
    path = "/artifacts/boot-images/digits"
    answer = api.get(path, headers={"range": range_})
    assert answer.status_code == status
    if status != 416:
        assert answer.content == expected
    else:
        assert answer.headers["content-range"] == "bytes */10"
    if status == 206:
        first = b"0123456789".index(expected)
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/10"
        assert api.get(path, headers={"range": range_, "if-range": '"old"'}).status_code == 200


def test_what_is_not_what_it_promised_leaves_nothing(api: Api) -> None:
    data = b"z" * 3_000_000
    good = {
        "content-md5": b64("md5", data),
        "repr-digest": f"sha-256=:{b64('sha256', data)}:, unixsum=:AAA=:",
    }
    assert api("PUT", PATH, content=data, headers=good).status_code == 201
    api("DELETE", PATH)
    for bad in (
        {"content-md5": b64("md5", b"other")},
        {"repr-digest": f"sha-256=:{b64('sha256', b'other')}:"},
        {"content-md5": "x"},
        {"repr-digest": "sha-256=:AAAA:"},
        {"content-range": "bytes 0-1/9"},
    ):
        answer = api("PUT", PATH, content=data, headers=bad)
        assert answer.status_code in (400, 422)
        assert api("HEAD", PATH).status_code == 404


def test_only_if_there_is_nothing_yet(api: Api) -> None:
    assert api("PUT", PATH, content=b"1", headers={"if-none-match": "*"}).status_code == 201
    answer = api("PUT", PATH, content=b"2", headers={"if-none-match": "*"})
    assert answer.json()["code"] == "exists"
    assert api.get(PATH).content == b"1"
    assert api("PUT", "/artifacts/ims/none", content=b"", headers={"if-match": "*"}).status_code == 412


def test_of_several_at_once_one_succeeds(api: Api) -> None:
    headers = {"if-none-match": "*"}
    for turn in range(3):  # other bytes each time: of the same bytes the ETag would be the same
        bodies = [bytes([10 * turn + each]) * 3_000_000 for each in range(6)]
        answers = api.together(
            *[("PUT", "/artifacts/ims/one", {"content": body, "headers": headers}) for body in bodies]
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [412] * 5
        [won] = [number for number, answer in enumerate(answers) if answer.status_code == 201]
        code = "exists" if "if-none-match" in headers else "stale"
        assert {answer.json()["code"] for answer in answers if answer.status_code == 412} == {code}
        found = api.get("/artifacts/ims/one")
        assert found.content == bodies[won]
        headers = {"if-match": found.headers["etag"]}


def test_places_that_are_not_ours(api: Api) -> None:
    assert api("PUT", "/artifacts/other/x", content=b"").status_code == 404
    assert api("PUT", "/artifacts/boot-images/" + "x" * 1025, content=b"").status_code == 422
    assert api("PUT", "/artifacts/boot-images/%00", content=b"").status_code == 422
    api.actor = Actor("me", frozenset({("a", "viewer")}))
    assert api("PUT", PATH, content=b"").status_code == 403
    assert api.post("/uploads", {"bucket": "ims", "key": "x"}).status_code == 403
    assert api.post(f"{PATH}/url", {"method": "PUT"}).status_code == 403


def test_what_a_record_leads_to_stays(api: Api) -> None:
    image = api.linked()
    answer = api("DELETE", f"/artifacts/boot-images/{image['id']}/manifest.json")
    assert answer.status_code == 409
    assert answer.json()["other"] == image["id"]


def test_in_parts(api: Api) -> None:
    begun = api.post("/uploads", {"bucket": "boot-images", "key": "parts", "metadata": {"a": "b"}})
    assert begun.status_code == 201
    where = begun.headers["location"].removeprefix("/v4")
    data = [b"a" * 6_000_000, b"b" * 5_500_000, b"c"]
    assert api("PUT", f"{where}/parts/1", content=b"interrupted").status_code == 200
    answers = api.together(
        *[("PUT", f"{where}/parts/{n + 1}", {"content": part}) for n, part in enumerate(data)]
    )
    assert {answer.status_code for answer in answers} == {200}
    parts = api.get(where).json()["parts"]
    assert [(each["part"], each["size"]) for each in parts] == [(1, 6_000_000), (2, 5_500_000), (3, 1)]
    wrong = api.post(f"{where}:complete", {"parts": [{"part": 1, "etag": "x"}]})
    assert wrong.status_code == 422
    done = api.post(f"{where}:complete", {"parts": [{"part": e["part"], "etag": e["etag"]} for e in parts]})
    assert done.status_code == 201, done.text
    assert done.json()["size"] == sum(map(len, data))
    assert done.json()["sha256"] == hashlib.sha256(b"".join(data)).hexdigest()
    assert done.json()["metadata"] == {"a": "b"}
    assert api.get(where).status_code == 404
    for bad in ("x", "", "W10", "%F0%9F%92%A9"):
        assert api.get(f"/uploads/{bad}").status_code == 404
    other = api.post("/uploads", {"bucket": "ims", "key": "k"}).headers["location"].removeprefix("/v4")
    assert api("PUT", f"{other}/parts/0", content=b"").status_code == 404
    assert api("POST", f"{other}:complete").status_code == 422
    assert api("DELETE", other).status_code == 204
    assert api("DELETE", other).status_code == 204
    assert api("PUT", f"{other}/parts/1", content=b"x").status_code == 404


def test_addresses(api: Api) -> None:
    api.put("x")
    answer = api("POST", "/artifacts/boot-images/x/url")
    assert answer.json()["url"].startswith("http://slipway/artifacts/boot-images/x?")
    assert answer.headers["cache-control"] == "no-store"
    assert api.post("/artifacts/boot-images/x/url", {"seconds": 10**6}).status_code == 422
    assert api.post("/artifacts/boot-images/x/url", {"method": "DELETE"}).status_code == 422


def test_too_much_is_not_taken(api: Api, monkeypatch: Any) -> None:
    limited = ServiceSettings(upload_limit=2_000_000)
    monkeypatch.setattr(type(api.service), "settings", limited)
    assert api("PUT", PATH, content=b"x" * 2_000_000).status_code == 201
    assert api("PUT", PATH, content=b"x" * 2_000_001).status_code == 413
    assert len(api.get(PATH).content) == 2_000_000
