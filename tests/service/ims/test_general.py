"""What holds for all resources: paths, methods, bodies, problems, timestamps."""

from __future__ import annotations

import pytest

from slipway.service.model import GONE, LIVE, Image, Link, PublicKey, Recipe, State
from tests.service.ims.conftest import World, is_problem

MISSING_URL = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try"
    " again."
)
EMPTY = (
    "No input provided. Determine the specific information that is missing or invalid and then re-run the request with"
    " valid information."
)
METHOD = "The method is not allowed for the requested URL."


@pytest.mark.parametrize("prefix", ["", "/apis/ims"])
@pytest.mark.parametrize("base", ["", "/v2", "/v3"])
@pytest.mark.parametrize("name", ["public-keys", "recipes", "images", "jobs"])
def test_collections_are_there_and_empty(world: World, prefix: str, base: str, name: str) -> None:
    reply = world.ask("GET", f"{prefix}{base}/{name}")
    assert (reply.status, reply.body) == (200, b"[]\n")
    assert reply.headers == {"content-type": "application/json", "content-length": "3"}
    head = world.ask("HEAD", f"{prefix}{base}/{name}")
    assert (head.status, head.body, head.headers) == (200, b"", reply.headers)
    options = world.ask("OPTIONS", f"{prefix}{base}/{name}")
    assert (options.status, options.body) == (200, b"")
    assert options.headers["content-type"].startswith("text/html")
    assert options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, POST"
    assert is_problem(
        world.ask("GET", f"{prefix}{base}/{name}/not-a-uuid"), 404, "Requested resource does not exist."
    )
    assert is_problem(world.ask("GET", f"{prefix}{base}/{name}/"), 404, MISSING_URL)


@pytest.mark.parametrize(
    "path", ["/", "/v4/images", "/deleted/images", "/v2/deleted/images", "/remote-build-nodes", "/v3"]
)
def test_no_such_address(world: World, path: str) -> None:
    reply = world.ask("GET", path)
    assert reply.status == 404
    assert reply.json == {"status": 404, "title": "Not Found", "detail": MISSING_URL}


@pytest.mark.parametrize("path", ["/v3/images", "/v3/recipes/x", "/public-keys/x", "/v2/jobs"])
def test_wrong_methods(world: World, path: str) -> None:
    reply = world.ask("PUT", path)
    assert (reply.status, reply.headers["content-type"]) == (405, "application/json")
    assert reply.json == {"message": METHOD, "status": 405, "title": "Method Not Allowed", "detail": METHOD}
    assert world.ask("PATCH", "/v3/public-keys/x").status == 405


@pytest.mark.parametrize(
    "path", ["/public-keys", "/v3/recipes", "/v2/images", "/v3/jobs", "/v3/remote-build-nodes"]
)
def test_bodies_that_are_none(world: World, path: str) -> None:
    for raw in (b"{}", b"[]", b"null", b"0", b'""', b"false"):
        reply = world.ask("POST", path, raw=raw)
        assert is_problem(reply, 400, EMPTY)
        assert reply.json["title"] == "Bad Request"
    for kind in (None, "text/plain", "application/jsonx"):
        reply = world.ask("POST", path, {"name": "x"}, kind=kind)
        assert (reply.status, reply.headers["content-type"]) == (415, "application/json")
        assert reply.json == {
            "message": "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
        }
    for raw in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        reply = world.ask("POST", path, raw=raw)
        assert (reply.status, reply.headers["content-type"]) == (400, "application/json")
        assert reply.json == {
            "message": "The browser (or proxy) sent a request that this server could not understand."
        }
    for content in ([1], "text", 5):
        reply = world.ask("POST", path, content)
        assert is_problem(reply, 422)
        assert reply.json["errors"] == {"_schema": ["Invalid input type."]}
    assert world.ask("POST", path, {"name": "x" * (1 << 20)}).status == 413
    assert world.ask("POST", path, {"zz": 1}, kind="application/json; charset=utf-8").status == 422


@pytest.mark.parametrize("path", ["/v3/images", "/v3/recipes", "/v3/jobs", "/v3/deleted/images"])
def test_a_missing_record_is_missed_before_the_body_is_read(world: World, path: str) -> None:
    reply = world.ask("PATCH", f"{path}/none", raw=b"{", kind="text/plain")
    assert is_problem(reply, 404, "Requested resource does not exist. Re-run request with valid ID.")


def test_text_that_no_database_keeps(world: World) -> None:
    for text in ("a\0b", "\ud800"):
        reply = world.ask("POST", "/public-keys", {"name": text, "public_key": "k"})
        assert is_problem(reply, 422)
        assert reply.json["errors"] == {"name": ["Not a valid utf-8 string."]}
    assert world.ask("GET", "/public-keys/a\0b").status == 404
    assert world.ask("DELETE", "/v3/public-keys/a\0b").status == 404


def test_ids_and_times_come_from_the_service(world: World) -> None:
    for name in ("id", "created"):
        reply = world.ask("POST", "/images", {"name": "x", name: "y"})
        assert reply.json["errors"] == {name: ["Unknown field."]}


def test_times_have_no_offset_and_no_empty_microseconds(world: World) -> None:
    second = 1_700_000_000 * 1_000_000
    world.add(PublicKey(id="a", created=second, name="n", public_key="k"))
    world.add(PublicKey(id="b", created=second + 5, name="n", public_key="k"))
    assert world.ask("GET", "/public-keys/a").json["created"] == "2023-11-14T22:13:20"
    assert world.ask("GET", "/public-keys/b").json["created"] == "2023-11-14T22:13:20.000005"


def test_keys_are_sorted_when_read_and_in_order_when_made(world: World) -> None:
    reply = world.ask(
        "POST", "/v3/recipes", {"name": "é", "recipe_type": "packer", "linux_distribution": "sles15"}
    )
    assert reply.status == 201
    assert list(reply.json) == [
        "name",
        "link",
        "recipe_type",
        "linux_distribution",
        "template_dictionary",
        "require_dkms",
        "arch",
        "id",
        "created",
    ]
    got = world.ask("GET", f"/v3/recipes/{reply.json['id']}")
    assert list(got.json) == sorted(reply.json)
    assert got.json == reply.json
    assert got.body.endswith(b"}\n")
    assert reply.body.endswith(b"}\n")
    assert b"\\u00e9" in got.body
    assert world.ask("GET", "/recipes").json == [got.json]


def test_lists_are_in_the_order_of_creation(world: World) -> None:
    world.add(*(Image(id=f"{n}", created=10 - n, name="n") for n in range(5)))
    world.ask("GET", "/images")
    world.add(Image(id="x", created=8, name="late"))
    assert [each["id"] for each in world.ask("GET", "/images").json] == ["4", "3", "2", "x", "1", "0"]


def test_unexpected_errors_are_500_and_tell_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(world.service.records, "stamp", lambda kind: 1 / 0)
    reply = world.ask("GET", "/images")
    assert (reply.status, reply.headers["content-type"]) == (500, "application/json")
    assert reply.json == {"message": "Internal Server Error"}
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_does_not_answer_is_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from slipway.service.records.errors import DatabaseError

    def stamp(kind: object) -> int:
        raise DatabaseError("gone")

    monkeypatch.setattr(world.service.records, "stamp", stamp)
    assert is_problem(world.ask("GET", "/images"), 503, "gone")


def test_what_is_being_moved_is_on_one_side_only(world: World) -> None:
    states: tuple[State, ...] = (*LIVE, *GONE)
    world.add(
        *(
            Recipe(
                id=state,
                created=n,
                name="n",
                recipe_type="packer",
                linux_distribution="sles15",
                state=state,
                deleted=7,
                link=Link(f"s3://ims/{state}"),
            )
            for n, state in enumerate(states)
        )
    )
    assert [r["id"] for r in world.ask("GET", "/v3/recipes").json] == ["live", "undeleting"]
    deleted = world.ask("GET", "/v3/deleted/recipes").json
    assert [r["id"] for r in deleted] == ["deleting", "deleted"]
    assert deleted[0]["deleted"] == "1970-01-01T00:00:00.000007"
    assert world.ask("GET", "/v3/deleted/recipes/purging").status == 404
