"""What configuration sessions and boot preparation ask: key, job, waiting, the result, and cleaning up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.service.acceptance.site import IMAGES, RECIPES
from tests.service.acceptance.test_job_stages import FILES, submitted
from tests.service.acceptance.uploader import Uploader

if TYPE_CHECKING:
    from tests.service.acceptance.site import Site


def test_a_session_customizes_an_image(site: Site) -> None:
    job = submitted(site, "customize", ssh_containers=[{"name": "session", "jail": True}])
    (container,) = job["ssh_containers"]
    assert (container["name"], container["jail"]) == ("session", True)
    hosts = container["connection_info"]
    assert hosts["customer_access"] == {"host": f"{job['id']}.ims.cmn.shasta.local", "port": 22}
    inside = f"{job['kubernetes_service']}.{job['kubernetes_namespace']}.svc.cluster.local"
    assert hosts["cluster.local"] == {"host": inside, "port": 22}
    stages = Uploader(site)
    seen = []
    for stage in ("fetching_image", "waiting_on_user", "packaging_artifacts"):
        stages.status(job["id"], stage)
        seen.append(
            site.good("GET", f"/apis/ims/v3/jobs/{job['id']}")["status"]
        )  # the session asks until then
    assert seen == ["fetching_image", "waiting_on_user", "packaging_artifacts"]
    stages.image(job["image_root_archive_name"], FILES, job["id"])
    stages.status(job["id"], "success")
    result = site.good("GET", f"/v3/jobs/{job['id']}")["resultant_image_id"]
    link = site.good("GET", f"/v3/images/{result}")["link"]
    assert link["type"] == "s3"
    with site.s3.get_object(Bucket=IMAGES, Key=link["path"].partition(f"{IMAGES}/")[2])["Body"] as body:
        manifest = json.loads(body.read())
    assert manifest["artifacts"][0]["type"].endswith("rootfs.squashfs")


def test_boot_preparation_makes_an_image_and_replaces_an_older_one(site: Site) -> None:
    name = f"compute {uuid4()}"
    older = Uploader(site).image(name, FILES)["ims_image_record"]["id"]
    job = submitted(site, "create", image_root_archive_name=name, enable_debug=False, build_env_size=15)
    assert (job["ssh_containers"], job["build_env_size"], job["image_root_archive_name"]) == (None, 15, name)
    Uploader(site).image(name, {**FILES, "rootfs": b"newer"}, job["id"])
    Uploader(site).status(job["id"], "success")
    newer = site.good("GET", f"/v3/jobs/{job['id']}")["resultant_image_id"]
    named = {each["id"] for each in site.good("GET", "/v3/images") if each["name"] == name}
    assert named == {older, newer}
    site.good("DELETE", f"/v3/images/{older}", status=204)
    assert [each["id"] for each in site.good("GET", "/v3/images") if each["name"] == name] == [newer]
    site.good("DELETE", f"/v3/jobs/{job['id']}", status=204)
    assert site.good("GET", f"/v3/images/{newer}")["name"] == name


def test_a_job_needs_what_it_is_made_of(site: Site) -> None:
    key = site.good("POST", "/v3/public-keys", {"name": "k", "public_key": "p"}, 201)["id"]
    recipe = {"name": "r", "recipe_type": "kiwi-ng", "linux_distribution": "sles15"}
    empty = site.good("POST", "/v3/recipes", recipe, 201)["id"]
    full = Uploader(site).recipe(f"r {uuid4()}", b"archive")["id"]
    new = {"job_type": "create", "public_key_id": key, "artifact_id": full, "image_root_archive_name": "i"}
    for wrong in (
        {"artifact_id": str(uuid4())},
        {"artifact_id": empty},
        {"public_key_id": str(uuid4())},
        {"ssh_containers": [{"name": "c", "jail": False}]},
        {"job_type": "customize"},
    ):
        assert site.ask("POST", "/v3/jobs", {**new, **wrong}).status == 400, wrong
    assert site.ask("POST", "/v3/jobs", {**new, "job_type": "bake"}).status == 422
    site.s3.delete_object(Bucket=RECIPES, Key=f"recipes/{full}/recipe.tar.gz")
    assert site.ask("POST", "/v3/jobs", new).status == 422


def test_export_and_import_into_another_system(site: Site) -> None:
    """The documented scripts GET all, and POST and PATCH them one by one elsewhere."""
    exported = Uploader(site).image(f"moved {uuid4()}", FILES)["ims_image_record"]
    wanted = {name: exported[name] for name in ("name", "arch", "metadata")}
    made = site.good("POST", "/apis/ims/v3/images", wanted, 201)
    for part in FILES:
        source = {"Bucket": IMAGES, "Key": f"{exported['id']}/{part}"}
        site.s3.copy_object(Bucket=IMAGES, Key=f"{made['id']}/{part}", CopySource=source)
    with site.s3.get_object(Bucket=IMAGES, Key=f"{exported['id']}/manifest.json")["Body"] as body:
        text = body.read().replace(exported["id"].encode(), made["id"].encode())
    site.s3.put_object(Bucket=IMAGES, Key=f"{made['id']}/manifest.json", Body=text)
    link = {"type": "s3", "path": f"s3://{IMAGES}/{made['id']}/manifest.json", "etag": ""}
    assert site.good("PATCH", f"/apis/ims/v3/images/{made['id']}", {"link": link}) == {**made, "link": link}
