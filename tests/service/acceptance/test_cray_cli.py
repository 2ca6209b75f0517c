"""The requests of `cray ims ...`: the third API below the prefix of the gateway, JSON bodies without what was not given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.service.acceptance.test_job_stages import FILES, submitted
from tests.service.acceptance.uploader import Uploader

if TYPE_CHECKING:
    from tests.service.acceptance.site import Site

BASE = "/apis/ims/v3"


def ids(site: Site, path: str) -> set[str]:
    return {each["id"] for each in site.good("GET", f"{BASE}/{path}")}


def test_version(site: Site) -> None:
    assert set(site.good("GET", "/apis/ims/version")) == {"version"}


def test_tags_of_images(site: Site) -> None:
    """`--metadata-key K --metadata-value V` for `create`; with `--metadata-operation` for `update`."""
    new = {"name": "tagged", "metadata": {"key": "site", "value": "north"}, "arch": "aarch64"}
    image = site.good("POST", f"{BASE}/images", new, 201)
    assert (image["metadata"], image["arch"], image["link"]) == ({"site": "north"}, "aarch64", None)
    path = f"{BASE}/images/{image['id']}"
    steps: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"operation": "set", "key": "rack", "value": "7"}, {"site": "north", "rack": "7"}),
        ({"operation": "set", "key": "site", "value": "south"}, {"site": "south", "rack": "7"}),
        ({"operation": "remove", "key": "site"}, {"rack": "7"}),
        ({"operation": "remove", "key": "site"}, {"rack": "7"}),
        ({"operation": "set", "key": "empty"}, {"rack": "7", "empty": ""}),
    ]
    for change, wanted in steps:
        assert site.good("PATCH", path, {"metadata": change})["metadata"] == wanted
    assert site.good("GET", path) == {**image, "metadata": wanted}
    assert site.good("POST", f"{BASE}/images", {"name": "n", "metadata": {"key": "flag"}}, 201)[
        "metadata"
    ] == {"flag": ""}


def test_recipes(site: Site) -> None:
    new = {"name": "r", "recipe_type": "packer", "linux_distribution": "centos7"}
    pairs = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    recipe = site.good(
        "POST", f"{BASE}/recipes", {**new, "template_dictionary": pairs, "require_dkms": False}, 201
    )
    assert set(recipe) == {
        *("id", "created", "name", "recipe_type", "linux_distribution", "link", "template_dictionary"),
        *("require_dkms", "arch"),
    }
    path = f"{BASE}/recipes/{recipe['id']}"
    changed = site.good(
        "PATCH", path, {"arch": "aarch64", "require_dkms": True, "template_dictionary": pairs[:1]}
    )
    assert changed == {**recipe, "arch": "aarch64", "require_dkms": True, "template_dictionary": pairs[:1]}


def test_public_keys(site: Site) -> None:
    """The command sends the file as it is, with its last newline."""
    key = site.good("POST", f"{BASE}/public-keys", {"name": "k", "public_key": "ssh-rsa AAAA k\n"}, 201)
    assert key["public_key"] == "ssh-rsa AAAA k\n"
    path = f"{BASE}/public-keys/{key['id']}"
    assert site.good("GET", path) == key
    assert site.ask("DELETE", path).status == 204
    assert (
        site.ask("PATCH", f"{BASE}/deleted/public-keys/{key['id']}", {"operation": "undelete"}).status == 204
    )
    assert site.good("GET", path) == key


@pytest.mark.parametrize("kind", ["images", "recipes", "public-keys"])
def test_deleteall_and_back(site: Site, kind: str) -> None:
    more = {
        "images": {},
        "recipes": {"recipe_type": "kiwi-ng", "linux_distribution": "sles15"},
        "public-keys": {"public_key": "p"},
    }[kind]
    linked = Uploader(site).image("linked", FILES)["ims_image_record"]["id"] if kind == "images" else None
    made = {site.good("POST", f"{BASE}/{kind}", {"name": "n", **more}, 201)["id"] for _ in range(3)}
    made |= {linked} if linked else set()
    before = ids(site, kind)
    assert made <= before
    reply = site.ask("DELETE", f"{BASE}/{kind}")
    assert (reply.status, reply.body) == (204, b"")
    assert ids(site, kind) == set()
    assert before <= ids(site, f"deleted/{kind}")
    assert site.ask("PATCH", f"{BASE}/deleted/{kind}", {"operation": "undelete"}).status == 204
    assert before <= ids(site, kind)
    assert ids(site, f"deleted/{kind}") == set()
    site.ask("DELETE", f"{BASE}/{kind}")
    assert site.ask("DELETE", f"{BASE}/deleted/{kind}").status == 204
    assert ids(site, kind) == ids(site, f"deleted/{kind}") == set()
    if linked:
        assert site.keys(linked) == site.keys(f"deleted/{linked}") == set()


def test_update_without_an_option_sends_no_body(site: Site) -> None:
    key = site.good("POST", f"{BASE}/public-keys", {"name": "k", "public_key": "p"}, 201)["id"]
    site.good("DELETE", f"{BASE}/public-keys/{key}", status=204)
    reply = site.ask("PATCH", f"{BASE}/deleted/public-keys/{key}")
    assert reply.status == 415
    assert reply.json == {
        "message": "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
    }


def test_jobs_are_deleted_by_what_they_are(site: Site) -> None:
    site.good("DELETE", f"{BASE}/jobs", status=204)
    failed = submitted(site, "create")["id"]
    running = submitted(site, "create")["id"]
    site.good("PATCH", f"{BASE}/jobs/{failed}", {"status": "error"})
    for query in ("age=1d", "status=success", "job_type=customize", "age=1d&status=error&job_type=create"):
        site.good("DELETE", f"{BASE}/jobs?{query}", status=204)
        assert ids(site, "jobs") == {failed, running}
    for query in ("status=bogus", "job_type=bogus"):
        assert site.ask("DELETE", f"{BASE}/jobs?{query}").status == 400
    site.good("DELETE", f"{BASE}/jobs?status=error&status=success&job_type=create", status=204)
    assert ids(site, "jobs") == {running}
    site.good("DELETE", f"{BASE}/jobs/{running}", status=204)
    assert ids(site, "jobs") == set()


def test_remote_build_nodes(site: Site) -> None:
    name = "x3000c0s1b0n0"
    path = f"{BASE}/remote-build-nodes"
    assert site.good("POST", path, {"xname": name}, 201) == {"xname": name}
    assert site.good("POST", path, {"xname": name}, 201) == {"xname": name}
    assert site.good("GET", path) == [{"xname": name}]
    told = site.good("GET", f"{path}/status/{name}")
    assert set(told) == {"xname", "sshStatus", "podmanStatus", "nodeArch", "numCurrentJobs", "ableToRunJobs"}
    assert site.good("GET", f"{path}/status") == [told]
    site.good("DELETE", f"{path}/{name}", status=204)
    assert site.good("GET", path) == []


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "images/foo", None, 404),
        ("DELETE", "recipes/foo", None, 404),
        ("POST", "recipes", {"name": "r", "recipe_type": "kiwi-ng"}, 422),
        (
            "POST",
            "images",
            {"name": "i", "link": {"type": "s3", "path": "s3://boot-images/no", "etag": "e"}},
            422,
        ),
        ("POST", "images", {}, 400),
    ],
)
def test_what_the_command_prints_of_an_error(
    site: Site, method: str, path: str, content: Any, status: int
) -> None:
    reply = site.ask(method, f"{BASE}/{path}", content)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert reply.json["status"] == status
    assert reply.json["title"]
    assert reply.json["detail"]
