"""The containers of a job, which tell the service how far they are by the helper's command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.service.acceptance.uploader import Uploader

if TYPE_CHECKING:
    from tests.service.acceptance.site import Site

CREATE = ["fetching_recipe", "waiting_for_repos", "building_image", "packaging_artifacts"]
CUSTOMIZE = ["fetching_image", "waiting_on_user", "packaging_artifacts"]
FILES = {"rootfs": b"r", "kernel": b"k", "initrd": b"i", "boot_parameters": b"p"}
KEYS = {
    *(
        "artifact_id",
        "public_key_id",
        "job_type",
        "image_root_archive_name",
        "enable_debug",
        "build_env_size",
    ),
    *(
        "kernel_file_name",
        "initrd_file_name",
        "kernel_parameters_file_name",
        "ssh_containers",
        "require_dkms",
    ),
    *("job_mem_size", "id", "created", "kubernetes_job", "kubernetes_service", "kubernetes_configmap"),
    *("kubernetes_namespace", "status", "resultant_image_id", "arch", "kubernetes_pvc", "remote_build_node"),
    "kubernetes_secret",
}


def submitted(site: Site, kind: str, **more: Any) -> dict[str, Any]:
    """A new job of that kind, with an artifact and a key of its own."""
    uploader = Uploader(site, "/v3")
    if kind == "create":
        source = uploader.recipe(f"recipe {uuid4()}", b"archive")
    else:
        source = uploader.image(f"image {uuid4()}", FILES)["ims_image_record"]
    key = site.good("POST", "/v3/public-keys", {"name": "k", "public_key": "ssh-rsa AAAA"}, 201)
    new = {"job_type": kind, "artifact_id": source["id"], "public_key_id": key["id"], **more}
    made: dict[str, Any] = site.good(
        "POST", "/v3/jobs", {"image_root_archive_name": f"result {uuid4()}", **new}, 201
    )
    assert set(made) == KEYS
    return made


@pytest.mark.parametrize(("kind", "stages"), [("create", CREATE), ("customize", CUSTOMIZE)])
def test_a_job_goes_its_way(site: Site, kind: str, stages: list[str]) -> None:
    uploader = Uploader(site)
    job = submitted(site, kind)
    assert (job["status"], job["resultant_image_id"]) == ("creating", None)
    for stage in stages:
        told = uploader.status(job["id"], stage)["ims_job_record"]
        assert told == {**job, "status": stage}
    done = uploader.image(job["image_root_archive_name"], FILES, job["id"])
    image = done["ims_image_record"]
    assert len(done["ims_image_artifacts"]) == len(FILES) + 1
    assert done["ims_job_record"] == {**job, "status": stages[-1], "resultant_image_id": image["id"]}
    uploader.status(job["id"], "success")
    assert site.good("GET", f"/v3/jobs/{job['id']}") == {
        **job,
        "status": "success",
        "resultant_image_id": image["id"],
    }


@pytest.mark.parametrize("after", range(len(CREATE) + 1))
def test_any_stage_may_fail(site: Site, after: int) -> None:
    uploader = Uploader(site)
    job = submitted(site, "create")
    for stage in [*CREATE[:after], "error", "error"]:  # the second is that of the sidecar
        assert uploader.status(job["id"], stage)["ims_job_record"]["status"] == stage


def test_a_failed_build_waits_for_its_user(site: Site) -> None:
    uploader = Uploader(site)
    job = submitted(site, "create", enable_debug=True)
    (container,) = job["ssh_containers"]
    assert (container["name"], container["jail"], container["status"]) == ("debug", False, "pending")
    for stage in ("fetching_recipe", "waiting_for_repos", "building_image", "waiting_on_user", "error"):
        uploader.status(job["id"], stage)
    assert site.good("GET", f"/jobs/{job['id']}")["status"] == "error"
