"""Uploads as the original's helper does them, by its command in a job and as a library at installation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.service.acceptance.site import IMAGES
from tests.service.acceptance.uploader import TYPES, Uploader

if TYPE_CHECKING:
    from tests.service.acceptance.site import Site

FILES = {"rootfs": b"root file system", "kernel": b"kernel", "initrd": b"first root"}
TOKEN = {"Authorization": "Bearer anything", "User-Agent": "ims-python-helper/3.3.0"}


@pytest.fixture
def job(site: Site) -> str:
    """One that creates an image."""
    uploader = Uploader(site)
    recipe = uploader.recipe(f"recipe {uuid4()}", b"archive")
    key = site.good("POST", "/apis/ims/public-keys", {"name": "k", "public_key": "ssh-rsa AAAA"}, 201)
    new = {
        "job_type": "create",
        "artifact_id": recipe["id"],
        "public_key_id": key["id"],
        "image_root_archive_name": "my new image",
    }
    return str(site.good("POST", "/apis/ims/jobs", new, 201)["id"])


def test_the_upload_of_the_readme(site: Site, job: str) -> None:
    done = Uploader(site).image("my new image", FILES, job)
    image, artifacts = done["ims_image_record"], done["ims_image_artifacts"]
    assert {name: image[name] for name in ("arch", "metadata", "name")} == {
        "arch": "x86_64",
        "metadata": {},
        "name": "my new image",
    }
    assert image["link"] == artifacts[-1]["link"]
    assert image["link"]["path"] == f"s3://{IMAGES}/{image['id']}/manifest.json"
    assert [each["type"] for each in artifacts] == [*(TYPES[part] for part in FILES), "application/json"]
    assert done["ims_job_record"]["resultant_image_id"] == image["id"]
    assert done["ims_job_record"]["id"] == job
    for base in ("", "/v2", "/v3", "/apis/ims/v2", "/apis/ims/v3"):
        assert site.good("GET", f"{base}/images/{image['id']}") == image
        assert image in site.good("GET", f"{base}/images")


def test_the_artifacts_survive_deletion_and_its_undoing(site: Site, job: str) -> None:
    uploader = Uploader(site)
    image = uploader.image("away and back", FILES, job)["ims_image_record"]
    path = f"/apis/ims/v3/images/{image['id']}"
    gone = f"/apis/ims/v3/deleted/images/{image['id']}"
    told = {
        "md5sum": hashlib.md5(FILES["rootfs"], usedforsecurity=False).hexdigest(),
        "x-shasta-ims-image-name": "away and back",
        "x-shasta-ims-image-id": image["id"],
        "x-shasta-ims-job-id": job,
    }
    assert told.items() <= site.metadata(IMAGES, f"{image['id']}/rootfs").items()

    reply = site.ask("DELETE", path)
    assert (reply.status, reply.body, reply.headers["content-type"]) == (204, b"", "application/json")
    deleted = site.good("GET", gone)
    assert deleted["link"]["path"] == f"s3://{IMAGES}/deleted/{image['id']}/deleted_manifest.json"
    assert {**deleted, "link": image["link"]} == {**image, "deleted": deleted["deleted"]}
    assert not site.keys(f"{image['id']}/")
    parts = [*FILES, "manifest.json", "deleted_manifest.json"]
    assert site.keys(f"deleted/{image['id']}/") == {f"deleted/{image['id']}/{part}" for part in parts}

    assert site.ask("PATCH", gone, {"operation": "undelete"}).status == 204
    assert site.good("GET", path) == image
    assert site.keys(f"deleted/{image['id']}/") == set()
    assert told.items() <= site.metadata(IMAGES, f"{image['id']}/rootfs").items()
    again = uploader.image("away and back", FILES, skip_existing=True)
    assert again["ims_image_record"] == image


def test_a_failed_upload_is_taken_back(site: Site) -> None:
    """The helper deletes the record when S3 fails; over v2, for ever, and with what was uploaded until then."""
    image = site.good("POST", "/images", {"name": "half", "arch": "x86_64"}, 201)
    assert site.ask("DELETE", f"/images/{image['id']}").status == 204
    assert site.ask("GET", f"/images/{image['id']}").status == 404
    assert site.ask("GET", f"/v3/deleted/images/{image['id']}").status == 404


def test_images_are_uploaded_once_at_installation(site: Site) -> None:
    assert site.ask("GET", "/healthz/ready").json == {}  # what the loader waits for
    uploader, name = Uploader(site, "/v3"), f"installed {uuid4()}"
    first = uploader.image(name, FILES, skip_existing=True)
    second = uploader.image(name, FILES, skip_existing=True)
    assert second["ims_image_record"] == first["ims_image_record"]
    other = uploader.image(name, {**FILES, "kernel": b"a newer kernel"}, skip_existing=True)
    assert other["ims_image_record"]["id"] != first["ims_image_record"]["id"]


def test_an_upload_that_was_interrupted_goes_on_with_its_record(site: Site) -> None:
    name = f"begun {uuid4()}"
    begun = site.good("POST", "/apis/ims/images", {"name": name}, 201)
    assert begun["link"] is None
    done = Uploader(site).image(name, FILES, skip_existing=True)
    assert done["ims_image_record"] == {**begun, "link": done["ims_image_artifacts"][-1]["link"]}
    recipe = site.good(
        "POST",
        "/apis/ims/recipes",
        {"name": name, "recipe_type": "kiwi-ng", "linux_distribution": "sles15"},
        201,
    )
    assert Uploader(site).recipe(name, b"archive")["id"] == recipe["id"]


def test_recipes_are_uploaded_once(site: Site) -> None:
    uploader, name = Uploader(site), f"recipe {uuid4()}"
    first = uploader.recipe(name, b"archive", {"CSM": "1.6"})
    assert uploader.recipe(name, b"archive", {"CSM": "1.6"}) == first
    assert first["template_dictionary"] == [{"key": "CSM", "value": "1.6"}]
    assert uploader.recipe(name, b"archive", {"CSM": "1.7"})["id"] != first["id"]
    assert uploader.recipe(name, b"another", {"CSM": "1.6"})["id"] != first["id"]


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("/apis/ims/jobs/{job}", {"status": "nonsense"}, 422),
        ("/apis/ims/jobs/11111111-1111-4111-8111-111111111111", {"status": "success"}, 404),
        ("/apis/ims/images/11111111-1111-4111-8111-111111111111", {"link": None}, 404),
    ],
)
def test_refusals_are_json_too(site: Site, job: str, path: str, change: Any, status: int) -> None:
    """The helper reads the JSON of an answer before it looks at its status. It always sends a token, needed or not."""
    reply = site.ask("PATCH", path.format(job=job), change, headers=TOKEN)
    assert reply.status == reply.json["status"] == status


def test_a_new_image_cannot_take_the_manifest_of_another(site: Site) -> None:
    taken = Uploader(site).image("first", FILES)["ims_image_record"]
    other = site.good("POST", "/v3/images", {"name": "second"}, 201)
    reply = site.ask("PATCH", f"/v3/images/{other['id']}", {"link": taken["link"]})
    assert reply.status == 422
    assert taken["id"] in reply.json["detail"]
    assert site.good("PATCH", f"/v3/images/{taken['id']}", {"link": taken["link"]}) == taken
    changed = {**taken["link"], "etag": "0" * 32}
    assert site.ask("PATCH", f"/v3/images/{taken['id']}", {"link": changed}).status == 409
