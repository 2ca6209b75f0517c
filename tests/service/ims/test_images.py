"""Images: links to manifests with all their checks, tags, changes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from slipway.service.artifacts.model import ArtifactError
from slipway.service.ims.api import application
from slipway.service.model import Image, Link
from tests.service.ims.client import Client
from tests.service.ims.conftest import ROOTFS, World, is_problem

AGAIN = "etermine the specific information that is missing or invalid and then re-run the request with valid information."
BROKEN = "The image's manifest.json is malformed. "


def test_made(world: World) -> None:
    reply = world.ask("POST", "/v3/images", {"name": "i"})
    assert reply.status == 201
    made = reply.json
    assert list(made) == ["name", "link", "arch", "metadata", "id", "created"]
    assert str(UUID(made.pop("id"))) == reply.json["id"]
    assert made.pop("created")
    assert made == {"name": "i", "link": None, "arch": "x86_64", "metadata": {}}
    assert world.made("/images", name="i", link=None, arch="aarch64")["arch"] == "aarch64"


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        ({"arch": "x86_64"}, {"name": ["Missing data for required field."]}),
        ({"name": ""}, {"name": ["name field must not be blank"]}),
        ({"name": 5}, {"name": ["Not a valid string."]}),
        ({"name": None}, {"name": ["Field may not be null."]}),
        ({"name": "x", "zz": 1}, {"zz": ["Unknown field."]}),
        ({"name": "x", "arch": "arm"}, {"arch": ["Must be one of: aarch64, x86_64."]}),
        ({"name": "x", "metadata": None}, {"metadata": ["Field may not be null."]}),
        ({"name": "x", "metadata": {"a": 1}}, {"metadata": {"a": {"value": ["Not a valid string."]}}}),
        ({"name": "x", "metadata": []}, {"metadata": ["Not a valid mapping type."]}),
        (
            {"name": "x", "link": {"path": "s3://a/b", "type": "http"}},
            {"link": {"type": ["Type must be one of: s3."]}},
        ),
        (
            {"name": "x", "link": {"path": "", "type": "S3", "q": 1}},
            {
                "link": {
                    "path": ["name field must not be blank"],
                    "type": ["Type must be one of: s3."],
                    "q": ["Unknown field."],
                }
            },
        ),
        ({"name": "x", "link": "s3://a/b"}, {"link": {"_schema": ["Invalid input type."]}}),
    ],
)
@pytest.mark.parametrize("base", ["", "/v2", "/v3"])
def test_validation(world: World, base: str, content: Any, errors: Any) -> None:
    reply = world.ask("POST", f"{base}/images", content)
    assert is_problem(
        reply,
        422,
        "Input data was understood, but failed validation. Re-run request with valid input values for the fields"
        " indicated in the response.",
    )
    assert reply.json["title"] == "Unprocessable Entity"
    assert reply.json["errors"] == errors


def test_metadata_as_a_pair_or_as_a_map(world: World) -> None:
    for given, kept in (
        ({"key": "k", "value": "v"}, {"k": "v"}),
        ({"key": "k"}, {"k": ""}),
        ({"a": "b", "value": "c"}, {"a": "b", "value": "c"}),
    ):
        assert world.made("/v3/images", name="x", metadata=given)["metadata"] == kept


def test_metadata_changes(world: World) -> None:
    image = world.made("/v3/images", name="x", metadata={"a": "b"})["id"]

    def change(**step: Any) -> Any:
        return world.ask("PATCH", f"/v3/images/{image}", {"metadata": step})

    reply = change(operation="set", key="c", value="d")
    assert (reply.status, reply.json["metadata"]) == (200, {"a": "b", "c": "d"})
    assert list(reply.json) == sorted(reply.json)
    assert change(operation="set", key="a").json["metadata"] == {"a": "", "c": "d"}
    assert change(operation="remove", key="a").json["metadata"] == {"c": "d"}
    assert change(operation="remove", key="a").json["metadata"] == {"c": "d"}
    assert world.ask("GET", f"/images/{image}").json["metadata"] == {"c": "d"}
    bad = change(operation="add", value=5)
    assert is_problem(bad, 422)
    assert bad.json["errors"] == {
        "metadata": {
            "operation": ["Must be one of: set, remove."],
            "key": ["Missing data for required field."],
            "value": ["Not a valid string."],
        }
    }
    name = world.ask("PATCH", f"/v3/images/{image}", {"name": "y"})
    assert name.json["errors"] == {"name": ["Unknown field."]}


def test_a_link_is_set_once(world: World) -> None:
    link = world.manifest("a")
    image = world.made("/v3/images", name="x")["id"]
    path = f"/v3/images/{image}"
    reply = world.ask("PATCH", path, {"link": link, "arch": "aarch64"})
    assert (reply.status, reply.json["link"], reply.json["arch"]) == (200, link, "aarch64")
    version = world.service.records.get(Image, image).version  # type: ignore[union-attr]
    assert world.ask("PATCH", path, {"link": link}).json == reply.json
    assert world.service.records.get(Image, image).version == version  # type: ignore[union-attr]
    without = {"path": link["path"], "type": "s3"}
    for other in (without, {**link, "etag": "x"}, {**link, "path": "s3://boot-images/b"}):
        conflict = world.ask("PATCH", path, {"link": other, "arch": "x86_64"})
        assert is_problem(
            conflict,
            409,
            "Requested resource exists, but cannot be patched due to a patch conflict. Re-run request with valid input"
            " values.",
        )
    assert world.ask("PATCH", path, {"link": None}).json["errors"] == {"link": ["Field may not be null."]}
    assert world.ask("GET", path).json == reply.json  # nothing of what was refused


def test_a_link_without_etag_stays_the_same(world: World) -> None:
    link = world.manifest("a")
    bare = {"path": link["path"], "type": "s3"}
    image = world.made("/v3/images", name="x")["id"]
    assert world.ask("PATCH", f"/v3/images/{image}", {"link": bare}).json["link"] == {**bare, "etag": ""}
    assert world.ask("PATCH", f"/v3/images/{image}", {"link": bare}).status == 200


def test_a_link_belongs_to_one_image(world: World) -> None:
    link = world.manifest("a")
    first = world.made("/v3/images", name="x", link=link)
    assert first["link"] == link
    text = (
        f"The link path {link['path']} matches the link path for the IMS image record {first['id']}. The link value must"
        f" be unique and cannot be duplicated. D{AGAIN}"
    )
    assert is_problem(world.ask("POST", "/v3/images", {"name": "y", "link": link}), 422, text)
    other = world.made("/v3/images", name="y")["id"]
    assert is_problem(world.ask("PATCH", f"/v3/images/{other}", {"link": link}), 422, text)
    world.ask("DELETE", f"/v3/images/{first['id']}")
    world.manifest("a")
    assert world.ask("PATCH", f"/v3/images/{other}", {"link": link}).status == 200


def test_two_that_set_the_same_link_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database decides, whatever was seen before."""
    link = world.manifest("a")
    real = world.service.artifacts.head
    raced: list[str] = []

    def head(bucket: str, key: str) -> Any:
        if not raced:
            raced.append("x")
            world.add(Image(id="first", created=1, name="n", link=Link(link["path"])))
        return real(bucket, key)

    monkeypatch.setattr(world.artifacts, "head", head)
    assert is_problem(
        world.ask("POST", "/v3/images", {"name": "y", "link": link}), 422, "IMS image record first."
    )
    assert len(world.ask("GET", "/v3/images").json) == 1


@pytest.mark.parametrize(
    "path",
    ["http://a/b", "boot-images/a", "s3://", "s3:///key", "s3://boot-images", "s3://boot-images/", "s3://[x/y",
     "s3://B/k", "s3://boot-images/none", "s3://no-such-bucket/a", "s3://boot-images/" + "k" * 2000],
)  # fmt: skip
def test_links_to_nothing(world: World, path: str) -> None:
    link = {"path": path, "type": "s3"}
    made = {"path": path, "etag": "", "type": "s3"}
    reply = world.ask("POST", "/v3/images", {"name": "x", "link": link})
    assert is_problem(reply, 422, f"The s3 artifact {made} cannot be validated. Please d{AGAIN}")
    image = world.made("/v3/images", name="x")["id"]
    reply = world.ask("PATCH", f"/v3/images/{image}", {"link": link})
    assert is_problem(reply, 422, f"The s3 artifact {link} cannot be validated. Please d{AGAIN}")


def entry(world: World, name: str, kind: Any = ROOTFS) -> dict[str, Any]:
    return {"link": world.put(name), "type": kind, "md5": "0"}


def variants(world: World) -> list[tuple[bytes, int, str]]:
    """Contents of manifests that cannot be, with what is said of them."""
    root, kernel = entry(world, "r"), entry(world, "k", "application/vnd.cray.image.kernel")

    def doc(*artifacts: Any) -> bytes:
        return json.dumps({"version": "1.0", "artifacts": list(artifacts)}).encode()

    gone = {"path": "s3://boot-images/gone", "type": "s3"}
    return [
        (b"{", 422, "Manifest file is not valid Json for the s3 artifact"),
        (b"[" * 100_000, 422, "Manifest file is not valid Json for the s3 artifact"),
        (b"", 422, "Manifest file is not valid Json for the s3 artifact"),
        (b'"\xff"', 422, "Unable to read manifest file for the s3 artifact"),
        (b"{}", 422, "The image's manifest.json does not contain a version field."),
        (b"[]", 422, f"{BROKEN}It is not a json dictionary."),
        (b"null", 422, f"{BROKEN}It is not a json dictionary."),
        (
            b'{"version": "2.0"}',
            422,
            "The image's manifest.json has a version that is not supported. Supported image manifest versions are: 1.0",
        ),
        (b'{"version": []}', 422, "has a version that is not supported."),
        (b'{"version": "1.0"}', 422, f"{BROKEN}It does not contain an artifacts map."),
        (
            b'{"version": "1.0", "artifacts": {}}',
            422,
            f"{BROKEN}The artifacts property is not a json list.",
        ),
        (doc(root, 5), 422, f"{BROKEN}A listed artifact is not a json dictionary."),
        (doc({"type": ROOTFS}), 422, f"{BROKEN}An artifact does not have a link value"),
        (doc({"type": ROOTFS, "link": None}), 422, f"{BROKEN}An artifact does not have a link value"),
        (doc({"link": {"path": "x"}}), 422, f"{BROKEN}An artifact does not have a link type field"),
        (
            doc({"link": {"path": "x", "type": "S3"}}),
            422,
            f"{BROKEN}An artifact link type 'S3' not supported",
        ),
        (doc({"link": {"type": "s3"}}), 422, f"{BROKEN}An artifact does not have a link path field"),
        (doc({"link": gone, "type": ROOTFS}, 5), 422, f"The s3 artifact {gone} cannot be validated."),
        (
            doc({"link": root["link"]}, root),
            422,
            f"{BROKEN}An artifact does not have a type field",
        ),
        (doc({"link": root["link"], "type": 5}), 422, f"{BROKEN}An artifact does not have a type field"),
        (doc(kernel), 400, "The manifest does not include any rootfs artifacts."),
        (doc(), 400, "The manifest does not include any rootfs artifacts."),
        (
            doc(root, {**root, "type": f"{ROOTFS}.x"}),
            400,
            "The manifest includes multiple rootfs artifacts.",
        ),
        (b" " * (1 << 20), 400, "Image manifest file is larger than the expected maximum size"),
    ]


def test_manifests_that_cannot_be(world: World) -> None:
    image = world.made("/v3/images", name="x")["id"]
    for content, status, detail in variants(world):
        link = world.put("bad/manifest.json", content)
        for method, path in (("POST", "/v3/images"), ("POST", "/images"), ("PATCH", f"/v3/images/{image}")):
            body = {"link": link} if method == "PATCH" else {"name": "y", "link": link}
            assert is_problem(world.ask(method, path, body), status, detail), content[:100]
    assert [each["link"] for each in world.ask("GET", "/v3/images").json] == [None]


def test_a_wrong_etag_is_no_error(world: World) -> None:
    link = {**world.manifest("a"), "etag": "wrong"}
    assert world.made("/v3/images", name="x", link=link)["link"] == link


def test_a_manifest_of_a_gibibyte_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    link = world.manifest("a")
    stat = world.artifacts.head("boot-images", "a/manifest.json")
    assert stat
    huge = replace(stat, size=1 << 30)
    monkeypatch.setattr(world.artifacts, "head", lambda bucket, key: huge)
    monkeypatch.setattr(world.artifacts, "read", lambda *args: 1 / 0)
    assert is_problem(
        world.ask("POST", "/v3/images", {"name": "x", "link": link}), 400, "larger than the expected"
    )


@pytest.mark.parametrize(("again", "status"), [(True, 503), (False, 422)])
def test_a_storage_that_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, again: bool, status: int
) -> None:
    def fail(*args: object) -> Any:
        raise ArtifactError("no", again=again)

    link = world.manifest("a")
    with monkeypatch.context() as patch:
        patch.setattr(world.artifacts, "head", fail)
        assert is_problem(world.ask("POST", "/v3/images", {"name": "x", "link": link}), status)
    monkeypatch.setattr(world.artifacts, "read", fail)
    assert is_problem(world.ask("POST", "/v3/images", {"name": "x", "link": link}), status)


def test_changes_at_once_are_all_kept(world: World) -> None:
    """Each process has its own view; none overwrites what another did."""
    image = world.made("/v3/images", name="x")["id"]
    other = Client(application(world.service))
    other("GET", "/v3/images")
    for number in range(5):
        for client in (world.ask, other):
            step = {"operation": "set", "key": f"{number}-{id(client)}", "value": "v"}
            assert client("PATCH", f"/v3/images/{image}", {"metadata": step}).status == 200
    assert len(other("GET", f"/v3/images/{image}").json["metadata"]) == 10
    assert len(world.ask("GET", f"/v3/images/{image}").json["metadata"]) == 10
    other.close()
