"""The command line and the library of ims-python-helper, against a real service; what was wrong there, one test each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from slipway.client import ServiceError
from slipway.client.ims_helper import main
from slipway.client.shim import (
    BOOT_PARAMS_ARTIFACT_TYPE,
    DEBUG_KERNEL_ARTIFACT_TYPE,
    ImsHelper,
    ImsImagesExistWithName,
)
from slipway.errors import FetchError, SlipwayError
from slipway.settings import Settings
from tests.client.conftest import SOURCE
from tests.client.test_signin import SECRET as CLIENT_SECRET
from tests.client.test_signin import site
from tests.inputs.s3d import KEY, SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.client.conftest import World

JOB = "0b1f5b1e-0000-4000-8000-000000000000"


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    path = tmp_path / "image.sqsh"
    path.write_bytes(b"squashfs")
    return path


@pytest.fixture
def environ(on_s3: World, tmp_path: Path) -> dict[str, str]:
    assert on_s3.s3
    return {
        "HOME": str(tmp_path),
        "S3_ENDPOINT": on_s3.s3.url,
        "S3_ACCESS_KEY": KEY,
        "S3_SECRET_KEY": SECRET,
        "S3_BUCKET": "boot-images",
    }


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], environ: dict[str, str]) -> Callable[..., tuple[int, Any, str]]:
    def run_it(*argv: str, **more: str) -> tuple[int, Any, str]:
        status = main(argv, {**environ, **more})
        said = capsys.readouterr()
        found = json.loads(said.out)
        assert said.out == json.dumps(found, indent=4, sort_keys=True) + "\n"
        return status, found, said.err

    return run_it


@pytest.fixture
def helper(on_s3: World, tmp_path: Path) -> Iterator[ImsHelper]:
    made = helper_on(on_s3, tmp_path)
    yield made
    made.close()


def helper_on(world: World, tmp_path: Path, **more: Any) -> ImsHelper:
    assert world.s3
    return ImsHelper(
        world.url,
        s3_access_key=KEY,
        s3_secret_key=SECRET,
        s3_endpoint=world.s3.url,
        s3_bucket="boot-images",
        s3_ssl_verify="False",
        settings=Settings(store=tmp_path / "s", cache=tmp_path / "c"),
        **more,
    )


def test_upload_artifacts(on_s3: World, run: Any, rootfs: Path) -> None:
    status, found, _ = run("image", "upload_artifacts", "n", "-r", str(rootfs), "--ims-url", on_s3.url)
    assert status == 0
    assert set(found) == {"ims_image_artifacts", "ims_image_record", "result"}
    assert found["result"] == "success"
    kinds = [each["type"] for each in found["ims_image_artifacts"]]
    assert kinds == ["application/vnd.cray.image.rootfs.squashfs", "application/json"]
    for each in found["ims_image_artifacts"]:
        assert set(each) == {"link", "md5", "type"}
        assert set(each["link"]) == {"etag", "path", "type"}
    record = found["ims_image_record"]
    assert record["link"] == found["ims_image_artifacts"][-1]["link"]
    assert record["arch"] == "x86_64"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_flags_count_wherever_they_stand(on_s3: World, run: Any, rootfs: Path, place: int) -> None:
    words = ["image", "upload_artifacts"]
    words[place:place] = ["--ims-url", on_s3.url, "--s3-bucket", "boot-images"]
    status, _, _ = run(*words, "n", "-r", str(rootfs), S3_BUCKET="other-bucket")
    assert status == 0


def test_all_artifacts_and_a_job(on_s3: World, run: Any, rootfs: Path, helper: ImsHelper) -> None:
    key = helper._client.keys.create("k", "ssh")
    first = helper.image_upload_artifacts("source", rootfs=[str(rootfs)])
    job = helper._client.jobs.create(
        "customize",
        artifact_id=first["ims_image_record"]["id"],
        public_key_id=key["id"],
        image_root_archive_name="new",
    )
    flags = [part for letter in "rkidp" for part in (f"-{letter}", str(rootfs))]
    status, found, _ = run(
        "image", "upload_artifacts", "n", job["id"], *flags, "--arch", "aarch64", "--ims-url", on_s3.url
    )
    assert status == 0
    assert found["ims_job_record"]["resultant_image_id"] == found["ims_image_record"]["id"]
    assert found["ims_image_record"]["arch"] == "aarch64"
    kinds = [each["type"] for each in found["ims_image_artifacts"]]
    assert kinds[3:5] == [DEBUG_KERNEL_ARTIFACT_TYPE, BOOT_PARAMS_ARTIFACT_TYPE]
    status, found, _ = run("image", "set_job_status", job["id"], "success", "--ims-url", on_s3.url)
    assert (status, found["result"], found["ims_job_record"]["status"]) == (0, "success", "success")
    assert set(found) == {"ims_job_record", "result"}
    status, found, _ = run("image", "set_job_status", JOB, "success", "--ims-url", on_s3.url)
    assert status == 1
    assert set(found) == {"error", "result"}
    assert found["result"] == "failure"
    assert "404" in found["error"]


def test_variables(on_s3: World, run: Any, rootfs: Path) -> None:
    status, _, _ = run("image", "upload_artifacts", "n", "-r", str(rootfs), IMS_URL=on_s3.url)
    assert status == 0
    status, found, _ = run(
        "image", "upload_artifacts", "n", "-r", str(rootfs), IMS_URL=on_s3.url, IMS_JOB_ID=JOB
    )
    assert status == 1
    assert "404" in found["error"]


def test_plain_http_and_sign_in_need_no_tricks(run: Any, tmp_path: Path) -> None:
    with site() as server:
        (tmp_path / "auth").mkdir()
        for name, text in (
            ("endpoint", f"{server.url}/token"),
            ("client-id", "crew"),
            ("client-secret", CLIENT_SECRET),
        ):
            (tmp_path / "auth" / name).write_text(text)
        status, found, said = run(
            "image",
            "set_job_status",
            JOB,
            "error",
            "--ims-url",
            server.url,
            OAUTH_CONFIG_DIR=str(tmp_path / "auth"),
        )
        assert server.given == ["t0"]
        assert server.keys[1:] == ["Bearer t0"]
        assert (status, found["result"]) == (1, "failure")  # the records of this server have no form
        status, found, said = run(
            "image", "set_job_status", JOB, "error", "--ims-url", server.url,
            "--token-url", f"{server.url}/token", "--oauth-client-id", "crew", "--oauth-client-secret", "canary",
        )  # fmt: skip
        assert (status, "invalid_client" in found["error"]) == (1, True)
        assert "--oauth-client-secret" in said
        assert "canary" not in said + json.dumps(found)


def test_misconfigured_sign_in_is_a_failure_not_a_trace(run: Any, tmp_path: Path) -> None:
    status, found, _ = run("image", "set_job_status", JOB, "error", OAUTH_CONFIG_DIR=str(tmp_path / "none"))
    assert (status, found["result"]) == (1, "failure")


@pytest.mark.parametrize(
    "argv", [[], ["image"], ["image", "upload_artifacts"], ["image", "set_job_status", "x", "y"]]
)
def test_what_is_not_meant(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv, {})
    assert caught.value.code == 2


def test_as_a_module(on_s3: World, environ: dict[str, str], rootfs: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "slipway.client.ims_helper",
            "image",
            "upload_artifacts",
            "m",
            "-r",
            str(rootfs),
        ],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, "IMS_URL": on_s3.url, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ims_image_record"]["name"] == "m"


def test_existing_images(helper: ImsHelper, rootfs: Path) -> None:
    first = helper.image_upload_artifacts("same", rootfs=[str(rootfs)])
    again = helper.image_upload_artifacts("same", rootfs=[str(rootfs)], skip_existing=True)
    assert again == {
        "result": "success",
        "ims_image_artifacts": [],
        "ims_image_record": first["ims_image_record"],
    }
    record = first["ims_image_record"]
    assert helper.artifacts_match_image_record(record, "same", str(rootfs))
    assert not helper.artifacts_match_image_record(record, "same", str(rootfs), str(rootfs))
    manifest = helper.get_image_manifest(record)
    assert manifest
    assert manifest["version"] == "1.0"
    assert helper.get_image_manifest({"link": None}) is None
    with pytest.raises(ImsImagesExistWithName, match=record["id"]):
        helper.get_empty_image_record_for_name("same", skip_existing=True)
    assert helper.get_empty_image_record_for_name("same", skip_existing=False)["id"] != record["id"]


@pytest.mark.parametrize("empty", [None, {}, []])
def test_recipes_without_a_dictionary_are_uploaded_once(helper: ImsHelper, rootfs: Path, empty: Any) -> None:
    name = f"r{empty}"
    first = helper.recipe_upload(name, str(rootfs), "sles15", empty)
    assert helper.recipe_upload(name, str(rootfs), "sles15", empty) == first
    assert first["link"]["path"].endswith(f"recipes/{first['id']}/recipe.tar.gz")


def test_dkms_is_sent_when_it_is_not_wanted(helper: ImsHelper, rootfs: Path) -> None:
    assert helper.recipe_upload("dkms", str(rootfs), "sles15", require_dkms=False)["require_dkms"] is False


def test_an_empty_recipe_is_filled_with_its_dictionary(helper: ImsHelper, rootfs: Path) -> None:
    empty = helper._ims_recipe_create("fill", "sles15")
    filled = helper.recipe_upload("fill", str(rootfs), "sles15", {"A": "1"})
    assert filled["id"] == empty["id"]
    assert filled["template_dictionary"] == [{"key": "A", "value": "1"}]


def test_a_recipe_that_cannot_be_sent_raises_and_is_removed(
    on_s3: World, tmp_path: Path, rootfs: Path
) -> None:
    helper = helper_on(on_s3, tmp_path)
    assert on_s3.s3
    broken = ImsHelper(
        on_s3.url,
        s3_access_key=KEY,
        s3_secret_key="wrong",
        s3_endpoint=on_s3.s3.url,
        s3_bucket="boot-images",
        settings=Settings(store=tmp_path / "s", cache=tmp_path / "c"),
    )
    with pytest.raises(FetchError, match="does not let us"):
        broken.recipe_upload("denied", str(rootfs), "sles15")
    assert "denied" not in [each["name"] for each in helper._ims_recipes_get()]


def test_a_session_that_is_given_makes_the_requests(on_s3: World, tmp_path: Path, rootfs: Path) -> None:
    import requests

    with requests.Session() as session:
        session.headers["X-Canary"] = "1"
        asked: list[Any] = []
        session.hooks["response"].append(lambda answer, *_, **__: asked.append(answer.request))
        helper = helper_on(on_s3, tmp_path, session=session)
        done = helper.image_upload_artifacts("lent", rootfs=[str(rootfs)])
        with pytest.raises(ServiceError):
            helper._ims_image_get("none")
    assert helper.session is session
    assert {each.headers["X-Canary"] for each in asked} == {"1"}
    assert [each.method for each in asked] == ["POST", "PATCH", "GET"]
    assert "ims-python-helper" in asked[0].headers["User-Agent"]
    assert done["result"] == "success"


def test_certificates_of_s3_are_checked_unless_told_not_to(tmp_path: Path) -> None:
    settings = Settings(store=tmp_path, cache=tmp_path)

    def access(**given: Any) -> Any:
        helper = ImsHelper("http://h", s3_endpoint="https://s3", settings=settings, **given)
        assert helper._client._s3
        return helper._client._s3.verify

    assert access() is True
    assert access(ca="/etc/ca.pem") == "/etc/ca.pem"
    assert access(s3_ssl_verify="False", ca="/etc/ca.pem") is False
    assert access(s3_ssl_verify="/etc/s3.pem") == "/etc/s3.pem"


def test_only_the_first_of_several_files_counts_and_that_is_said(helper: ImsHelper, rootfs: Path) -> None:
    with pytest.raises(SlipwayError, match="is not a file"):
        helper.image_upload_artifacts("n", rootfs=["none", str(rootfs)])
