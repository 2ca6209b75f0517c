"""Jobs: what they take and become, who refuses them, and how they end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from slipway.errors import ToolError
from slipway.service.ims.api import application
from slipway.service.ims.schemas import STATUSES
from slipway.service.model import Job
from slipway.service.settings import ServiceSettings
from tests.service.ims.client import Client
from tests.service.ims.conftest import ROOTFS, World, is_problem

KEYS = [
    "artifact_id", "public_key_id", "job_type", "image_root_archive_name", "enable_debug", "build_env_size",
    "kernel_file_name", "initrd_file_name", "kernel_parameters_file_name", "ssh_containers", "require_dkms",
    "job_mem_size", "id", "created", "kubernetes_job", "kubernetes_service", "kubernetes_configmap",
    "kubernetes_namespace", "status", "resultant_image_id", "arch", "kubernetes_pvc", "remote_build_node",
    "kubernetes_secret",
]  # fmt: skip
NOBODY = str(uuid4())


class Spy:
    """A runner that notes what it is told and refuses what it is told to."""

    name = "spy"

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.refuse: set[str] = set()
        self.address = ""

    def start(self, job: Job, address: str) -> None:
        self.address = address
        self._tell("start", job)

    def finished(self, job: Job) -> None:
        self._tell("finished", job)

    def remove(self, job: Job) -> None:
        self._tell("remove", job)

    def _tell(self, what: str, job: Job) -> None:
        if what in self.refuse or job.id in self.refuse:
            raise ToolError(f"cannot {what}")
        self.told.append((what, job.id))


@pytest.fixture
def spy(world: World) -> Any:
    spy = Spy()
    world.service = replace(world.service, runner=spy)
    world.ask.app.close()
    world.ask.app = application(world.service)
    return spy


def request(world: World, kind: str = "create", **more: Any) -> dict[str, Any]:
    key = world.made("/public-keys", name="k", public_key="p")["id"]
    if kind == "create":
        link = world.put(f"recipes/{uuid4()}", bucket="ims")
        recipe = {"name": "r", "recipe_type": "kiwi-ng", "linux_distribution": "sles15", "link": link}
        source = world.made("/recipes", **{**recipe, **more.pop("recipe", {})})["id"]
    else:
        link = world.manifest(f"{uuid4()}")
        source = world.made("/images", **{"name": "i", "link": link, **more.pop("image", {})})["id"]
    return {
        "job_type": kind,
        "artifact_id": source,
        "public_key_id": key,
        "image_root_archive_name": "new",
        **more,
    }


@pytest.mark.parametrize("base", ["", "/v2", "/v3"])
def test_customize(world: World, spy: Spy, base: str) -> None:
    asked = request(world, "customize", ssh_containers=[{"name": "c1", "jail": "yes"}])
    made = world.made(f"{base}/jobs", **asked)
    assert list(made) == KEYS
    id_ = made["id"]
    created = made.pop("created")
    assert made == {
        **asked,
        "enable_debug": False,
        "build_env_size": 60,
        "kernel_file_name": "vmlinuz",
        "initrd_file_name": "initrd",
        "kernel_parameters_file_name": "kernel-parameters",
        "ssh_containers": [
            {
                "name": "c1",
                "jail": True,
                "status": "pending",
                "connection_info": {
                    "customer_access": {"host": f"{id_}.ims.cmn.shasta.local", "port": 22},
                    "cluster.local": {
                        "host": f"cray-ims-{id_}-service.ims.svc.cluster.local",
                        "port": 22,
                    },
                },
            }
        ],
        "require_dkms": True,
        "job_mem_size": 8,
        "id": id_,
        "kubernetes_job": f"cray-ims-{id_}-customize",
        "kubernetes_service": f"cray-ims-{id_}-service",
        "kubernetes_configmap": f"cray-ims-{id_}-configmap",
        "kubernetes_namespace": "ims",
        "status": "creating",
        "resultant_image_id": None,
        "arch": "x86_64",
        "kubernetes_pvc": f"cray-ims-{id_}-job-claim",
        "remote_build_node": "",
        "kubernetes_secret": None,
    }
    assert world.ask("GET", f"{base}/jobs/{id_}").json == {**made, "created": created}
    assert world.ask("GET", "/v3/jobs").json == [{**made, "created": created}]
    assert spy.told == [("start", id_)]
    assert "rootfs" in spy.address


def test_create_and_its_containers(world: World) -> None:
    plain = world.made("/jobs", **request(world))
    assert (plain["kubernetes_job"], plain["ssh_containers"]) == (f"cray-ims-{plain['id']}-create", None)
    debug = world.made("/jobs", **request(world, enable_debug="true", ssh_containers=None))
    assert [(c["name"], c["jail"]) for c in debug["ssh_containers"]] == [("debug", False)]
    unnamed = world.made("/jobs", **request(world, "customize", ssh_containers=[]))
    assert [(c["name"], c["jail"]) for c in unnamed["ssh_containers"]] == [("customize", False)]


@pytest.mark.parametrize(
    ("arch", "asked", "inherited", "found"),
    [
        ("x86_64", None, False, False),
        ("x86_64", None, True, True),
        ("x86_64", True, False, True),
        ("x86_64", False, True, False),
        ("aarch64", False, False, True),
    ],
)
def test_kernel_modules(world: World, arch: str, asked: bool | None, inherited: bool, found: bool) -> None:
    more: dict[str, Any] = {} if asked is None else {"require_dkms": asked}
    job = world.made("/jobs", **request(world, recipe={"arch": arch, "require_dkms": inherited}, **more))
    assert (job["arch"], job["require_dkms"]) == (arch, found)
    assert job["kernel_file_name"] == ("Image" if arch == "aarch64" else "vmlinuz")


def test_settings_decide_what_nobody_says(world: World) -> None:
    settings = ServiceSettings(
        job_dkms=False,
        default_image_size=15,
        default_job_memory=2,
        job_namespace="jobs",
        customer_subnet="can",
        customer_domain="example.com",
    )
    client = Client(application(replace(world.service, settings=settings)))
    reply = client("POST", "/jobs", request(world, "customize", kernel_file_name="")).json
    assert (reply["require_dkms"], reply["build_env_size"], reply["job_mem_size"]) == (False, 15, 2)
    assert (reply["kubernetes_namespace"], reply["kernel_file_name"]) == ("jobs", "vmlinuz")
    info = reply["ssh_containers"][0]["connection_info"]
    assert info["customer_access"]["host"] == f"{reply['id']}.ims.can.example.com"
    assert info["cluster.local"]["host"] == f"cray-ims-{reply['id']}-service.jobs.svc.cluster.local"
    client.close()


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        ({"job_type": "x"}, {"job_type": ["Job type must be one of: create, customize."]}),
        ({"artifact_id": "x"}, {"artifact_id": ["Not a valid UUID."]}),
        ({"image_root_archive_name": ""}, {"image_root_archive_name": ["image_root_archive_name field must not be blank"]}),
        ({"build_env_size": 0}, {"build_env_size": ["build_env_size must be greater than or equal to 1"]}),
        ({"job_mem_size": "0"}, {"job_mem_size": ["build_env_size must be greater than or equal to 1"]}),
        ({"job_mem_size": 10**12}, {"job_mem_size": ["Number too large."]}),
        ({"initrd_file_name": ""}, {"initrd_file_name": ["initrd_file_name field must not be blank"]}),
        ({"ssh_containers": [{"x": 1}]}, {"ssh_containers": {"0": {"x": ["Unknown field."]}}}),
        ({"status": "error"}, {"status": ["Unknown field."]}),
        ({"arch": "x86_64"}, {"arch": ["Unknown field."]}),
    ],
)  # fmt: skip
def test_validation(world: World, content: Any, errors: Any) -> None:
    asked = {
        "job_type": "create",
        "artifact_id": NOBODY,
        "public_key_id": NOBODY,
        "image_root_archive_name": "x",
    }
    reply = world.ask("POST", "/v3/jobs", {**asked, **content})
    assert is_problem(reply, 422)
    assert reply.json["errors"] == errors


def test_what_is_checked_in_which_order(world: World, spy: Spy) -> None:
    jail = [{"name": "a"}]
    post = lambda **content: world.ask("POST", "/jobs", content)  # noqa: E731
    asked = request(world)
    asked.update(ssh_containers=jail, artifact_id=NOBODY)
    assert is_problem(post(**asked), 400, "User defined ssh containers during image create are not currently")
    asked.update(job_type="customize", ssh_containers=jail * 2)
    assert is_problem(post(**asked), 400, "Only one SSH container is currently supported.")
    asked.update(ssh_containers=jail)
    invalid = "Invalid artifact_id value in job request. No IMS {} record found matching id={}."
    assert is_problem(post(**asked), 400, invalid.format("image", NOBODY))
    asked.update(job_type="create", ssh_containers=None)
    assert is_problem(post(**asked), 400, invalid.format("recipe", NOBODY))
    bare = world.made("/images", name="x")["id"]
    asked.update(job_type="customize", artifact_id=bare)
    assert is_problem(
        post(**asked), 400, f"The IMS image does not have an artifact_link for image_id={bare}."
    )
    asked = {**request(world), "public_key_id": NOBODY}
    key = f"Invalid public_key_id value in job request. No IMS public-key record found matching id={NOBODY}"
    reply = post(**asked)
    assert reply.json["detail"] == key
    link = world.ask("GET", f"/recipes/{asked['artifact_id']}").json["link"]
    world.artifacts.delete("ims", link["path"].removeprefix("s3://ims/"))
    assert is_problem(post(**asked), 422, "cannot be validated")
    assert spy.told == []
    assert world.ask("GET", "/jobs").json == []


def test_images_that_cannot_be_customized(world: World) -> None:
    asked = request(world, "customize")
    link = world.ask("GET", f"/images/{asked['artifact_id']}").json["link"]
    place = link["path"].removeprefix("s3://boot-images/").removesuffix("/manifest.json")

    def post(content: bytes) -> Any:
        world.put(f"{place}/manifest.json", content)
        return world.ask("POST", "/jobs", asked)

    image = f"image_id={asked['artifact_id']}"
    root = {"link": world.put("root"), "type": ROOTFS}
    many = json.dumps({"version": "1.0", "artifacts": [root, root]}).encode()
    none = json.dumps({"version": "1.0", "artifacts": []}).encode()
    lost = {"version": "1.0", "artifacts": [{**root, "link": {"path": "s3://boot-images/no", "type": "s3"}}]}
    assert is_problem(post(b"{"), 422, "Manifest file is not valid Json")
    assert is_problem(post(b"{}"), 400, f"corrupt or invalid for IMS {image}. Could not determine")
    assert is_problem(post(many), 400, f"for IMS {image}. The manifest includes multiple rootfs artifacts.")
    assert is_problem(
        post(none), 400, f"for IMS {image}. The manifest does not include any rootfs artifacts."
    )
    assert is_problem(post(json.dumps(lost).encode()), 422, "cannot be validated")


def test_a_runner_that_refuses(world: World, spy: Spy) -> None:
    spy.refuse.add("start")
    assert is_problem(world.ask("POST", "/jobs", request(world)), 500, "cannot start")
    assert world.ask("GET", "/jobs").json == []


def test_one_job_through_all_states(world: World, spy: Spy) -> None:
    for base in ("", "/v2", "/v3"):
        job = world.made("/jobs", **request(world))["id"]
        for status in STATUSES:
            for _ in range(2):
                reply = world.ask("PATCH", f"{base}/jobs/{job}", {"status": status})
                assert (reply.status, reply.json["status"]) == (200, status)
        assert list(reply.json) == sorted(KEYS)
        assert spy.told.count(("finished", job)) == 1


@pytest.mark.parametrize(
    "stages",
    [
        ("fetching_image", "waiting_on_user", "packaging_artifacts", "success"),
        ("fetching_recipe", "waiting_for_repos", "building_image", "waiting_on_user", "error"),
        ("building_image", "error", "success", "error"),
    ],
)
def test_stages_as_they_come(world: World, stages: tuple[str, ...]) -> None:
    path = f"/jobs/{world.made('/jobs', **request(world))['id']}"
    for status in stages:
        assert world.ask("PATCH", path, {"status": status}).status == 200
    for status in STATUSES[:7]:  # what has ended does not run again
        assert is_problem(world.ask("PATCH", path, {"status": status}), 409)
    assert world.ask("GET", path).json["status"] == stages[-1]


def test_results(world: World) -> None:
    path = f"/jobs/{world.made('/jobs', **request(world))['id']}"
    image = str(uuid4())
    reply = world.ask("PATCH", path, {"resultant_image_id": image.upper()})
    assert reply.json["resultant_image_id"] == image
    for content, errors in (
        ({"status": "x"}, {"status": [f"Job state must be one of: {', '.join(STATUSES)}."]}),
        ({"resultant_image_id": None}, {"resultant_image_id": ["Field may not be null."]}),
        ({"job_type": "create"}, {"job_type": ["Unknown field."]}),
    ):
        assert world.ask("PATCH", path, content).json["errors"] == errors


def test_what_a_runner_cannot_give_back(world: World, spy: Spy) -> None:
    job = world.made("/jobs", **request(world))["id"]
    spy.refuse |= {"finished", "remove"}
    reply = world.ask("PATCH", f"/jobs/{job}", {"status": "success"})
    assert is_problem(reply, 500, f"job_id={job}")
    assert world.ask("GET", f"/jobs/{job}").json["status"] == "creating"
    for path in (f"/jobs/{job}", "/jobs"):
        reply = world.ask("DELETE", path)
        assert is_problem(reply, 500, "Errors were encountered deleting the kubernetes resources for")
        assert reply.json["errors"] == ["cannot remove"]
        assert world.ask("GET", f"/jobs/{job}").status == 200
    spy.refuse = {job}
    other = world.made("/jobs", **request(world))["id"]
    assert world.ask("DELETE", "/jobs").status == 500
    assert [each["id"] for each in world.ask("GET", "/jobs").json] == [job]
    spy.refuse.clear()
    assert world.ask("DELETE", f"/jobs/{job}").status == 204
    assert is_problem(world.ask("DELETE", f"/jobs/{job}"), 404)
    assert ("remove", other) in spy.told
