"""Data files of IMS: in, out again as they were, and what is told when they are not right."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from slipway.errors import UsageError
from slipway.events import Note, Reporter
from slipway.service.model import Image, Job, Link, Node, PublicKey, Recipe
from slipway.service.records.exporting import export_ims
from slipway.service.records.ims_files import ImsFilesError, import_ims
from slipway.service.records.ims_schemas import FILES
from slipway.service.records.store import Records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.events import Event

Data = dict[str, list[dict[str, Any]]]


@pytest.fixture
def records(database: str) -> Iterator[Records]:
    with Records.open(database) as found:
        yield found


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Records]:
    with Records.open(f"sqlite:///{tmp_path}/quick.db") as found:
        yield found


def uuid(number: int) -> str:
    return str(UUID(int=(4 << 76) | (2 << 62) | number))


def data() -> Data:
    """As IMS 3.33 writes them, keys in its order."""
    arch = "x86_64"
    times = {"created": "2026-11-20T22:21:55.255364"}
    gone = {**times, "deleted": "2026-11-21T01:02:03"}
    key = {"name": "mine", "public_key": "ssh-ed25519 AAAA ü"}
    recipe = {
        "name": "sles",
        "link": {"path": "s3://ims/recipes/a/recipe.tgz", "etag": "e1", "type": "s3"},
        "recipe_type": "kiwi-ng",
        "linux_distribution": "sles15",
        "template_dictionary": [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}],
        "require_dkms": False,
        "arch": "aarch64",
    }
    job = {
        "artifact_id": uuid(3),
        "public_key_id": uuid(1),
        "job_type": "customize",
        "image_root_archive_name": "new",
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
                    "customer_access": {"host": "x.ims.cmn.shasta.local", "port": 22},
                    "cluster.local": {"host": "cray-ims-x-service.ims.svc.cluster.local", "port": 22},
                },
            }
        ],
        "require_dkms": True,
        "job_mem_size": 8,
        "id": uuid(5),
        "created": "2026-11-20T22:21:55",
        "kubernetes_job": "cray-ims-x-customize",
        "kubernetes_service": "cray-ims-x-service",
        "kubernetes_configmap": "cray-ims-x-configmap",
        "kubernetes_namespace": "ims",
        "status": "success",
        "resultant_image_id": uuid(7),
        "arch": arch,
        "kubernetes_pvc": "cray-ims-x-job-claim",
        "remote_build_node": "",
        "kubernetes_secret": None,
    }
    deleted = {"path": "s3://boot-images/deleted/i/deleted_manifest.json", "etag": "", "type": "s3"}
    return {
        "v2_public_keys.json": [{**key, "id": uuid(1), **times}],
        "v3_deleted_public_keys.json": [{**key, "id": uuid(11), **gone}],
        "v2.2_recipes.json": [
            {**recipe, "id": uuid(2), **times},
            {
                **recipe,
                "link": None,
                "template_dictionary": [],
                "id": uuid(22),
                "created": "2026-11-21T00:00:00",
            },
        ],
        "v3.2_deleted_recipes.json": [
            {
                **recipe,
                "link": {"path": "s3://ims/deleted/recipes/b/r.tgz", "etag": "e2", "type": "s3"},
                "id": uuid(12),
                **gone,
            }
        ],
        "v2.1_images.json": [
            {
                "name": "one",
                "link": {"path": f"s3://boot-images/{uuid(3)}/manifest.json", "etag": "m", "type": "s3"},
                "arch": arch,
                "metadata": {"b": "2", "a": "1"},
                "id": uuid(3),
                **times,
            },
        ],
        "v3.1_deleted_images.json": [
            {"name": "two", "link": deleted, "arch": arch, "metadata": {}, "id": uuid(13), **gone}
        ],
        "v2.4_jobs.json": [
            job,
            {**job, "ssh_containers": None, "id": uuid(55), "created": "2026-11-20T23:00:00"},
        ],
        "v2.0_remote_build_nodes.json": [{"xname": "x3000c0s1b0n0"}],
    }


def written(directory: Path, content: Data) -> Path:
    directory.mkdir(exist_ok=True)
    for name, each in content.items():
        (directory / name).write_text(json.dumps(each))
    return directory


def test_there_and_back(records: Records, tmp_path: Path) -> None:
    source = written(tmp_path / "ims", data())
    imported = import_ims(source, records, Reporter())
    assert imported.added == {name: len(each) for name, each in data().items()}
    assert not any(imported.same.values())
    counts = export_ims(tmp_path / "out", records)
    assert counts == imported.added
    for file in FILES:
        assert (tmp_path / "out" / file.name).read_bytes() == (source / file.name).read_bytes()
    again = import_ims(tmp_path / "out", records, Reporter())
    assert not any(again.added.values())
    assert again.same == imported.added
    with pytest.raises(UsageError, match="already"):
        export_ims(tmp_path / "out", records)
    assert [event.action for event in records.events(limit=1000)] == ["imported"] * sum(counts.values())


def test_what_they_are(quick: Records, tmp_path: Path) -> None:
    import_ims(written(tmp_path / "ims", data()), quick, Reporter())
    key = quick.get(PublicKey, uuid(1))
    assert key
    assert key.created == 1795213315255364
    recipe = quick.get(Recipe, uuid(12), gone=True)
    assert recipe
    assert recipe.state == "deleted"
    assert recipe.home == Link("s3://ims/recipes/b/r.tgz", "e2")
    image = quick.get(Image, uuid(13), gone=True)
    assert image
    assert (image.state, image.home) == ("deleted", None)
    job = quick.get(Job, uuid(5))
    assert job
    assert job.ssh_containers[0].hosts[0] == ("customer_access", "x.ims.cmn.shasta.local", 22)
    assert quick.get(Node, "x3000c0s1b0n0")


def test_older_releases(quick: Records, tmp_path: Path) -> None:
    link = {"path": "s3://boot-images/a/manifest.json", "type": "s3", "etag": ""}
    old: Data = {
        "v2_images.json": [
            {"name": "a", "id": uuid(1).upper(), "created": "2020-01-02T03:04:05.000006+00:00", "link": link}
        ],
        "v2.1_recipes.json": [
            {
                "name": "r",
                "recipe_type": "kiwi-ng",
                "linux_distribution": "sles15",
                "id": uuid(2),
                "created": "2020-01-02T04:04:05+01:00",
                "link": None,
                "artifact_id": "x",
            }
        ],
        "v2_recipes.json": [{"broken": "but older"}],
        "v2_jobs.json": [
            {
                "job_type": "create",
                "artifact_id": uuid(2),
                "public_key_id": uuid(4),
                "image_root_archive_name": "n",
                "id": uuid(9),
                "created": "2020-01-02T03:04:05",
                "ssh_containers": [{"name": "x", "jail": False, "host": "h", "port": 22}],
                "status": "error",
            }
        ],
    }
    events: list[Event] = []
    imported = import_ims(written(tmp_path / "ims", old), quick, Reporter(events.append))
    assert imported.added["v2.1_images.json"] == imported.added["v2.2_recipes.json"] == 1
    warned = [event.text for event in events if isinstance(event, Note)]
    assert warned == ["v2.1_recipes.json: the field 'artifact_id' is not known, and dropped from 1 record(s)"]
    export_ims(tmp_path / "out", quick)
    [image] = json.loads((tmp_path / "out" / "v2.1_images.json").read_text())
    assert image["created"] == "2020-01-02T03:04:05.000006"
    assert (image["id"], image["arch"], image["metadata"]) == (uuid(1), "x86_64", {})
    [recipe] = json.loads((tmp_path / "out" / "v2.2_recipes.json").read_text())
    assert (recipe["created"], recipe["require_dkms"]) == ("2020-01-02T03:04:05", True)
    [job] = json.loads((tmp_path / "out" / "v2.4_jobs.json").read_text())
    assert (job["build_env_size"], job["job_mem_size"], job["kubernetes_job"]) == (60, 8, None)


def test_all_that_is_wrong_at_once(records: Records, tmp_path: Path) -> None:
    wrong = data()
    [image] = wrong["v2.1_images.json"]
    wrong["v2.1_images.json"] = [
        image,
        {**image, "name": "", "link": {"path": 7, "type": "ftp"}, "id": "x", "created": "yesterday"},
        {**image, "link": None},
        {**image, "id": uuid(99)},
        "no record",  # type: ignore[list-item]
    ]
    wrong["v3.1_deleted_images.json"][0]["id"] = image["id"]
    source = written(tmp_path / "ims", wrong)
    (source / "v2_public_keys.json").write_bytes(b"")
    (source / "v2.2_recipes.json").write_bytes(b'[{"name": "a"')
    (source / "v2.4_jobs.json").write_bytes(b"\xff[]")
    (source / "v3_deleted_public_keys.json").write_bytes(b"[" * 100_000)
    (source / "v2.0_remote_build_nodes.json").write_bytes(b"{}")
    with pytest.raises(ImsFilesError) as caught:
        import_ims(source, records, Reporter())
    found = "\n".join(caught.value.problems)
    for part in (
        "v2_public_keys.json: is empty",
        "v2.2_recipes.json: is not JSON",
        "v2.4_jobs.json: is not JSON",
        "v3_deleted_public_keys.json: is not JSON",
        "v2.0_remote_build_nodes.json: is not an array",
        "v2.1_images.json[1].name: name field must not be blank",
        "v2.1_images.json[1].link.path: Not a valid string.",
        "v2.1_images.json[1].link.type: Type must be one of: s3.",
        "v2.1_images.json[1].id: Not a valid UUID.",
        "v2.1_images.json[1].created: Not a valid datetime.",
        f"v2.1_images.json[2]: the id {image['id']} is that of v2.1_images.json[0] too",
        f"v2.1_images.json[3]: the link {image['link']['path']} is that of v2.1_images.json[0] too",
        "v2.1_images.json[4]: Invalid input type.",
        f"v3.1_deleted_images.json[0]: the id {image['id']} is that of v2.1_images.json[0] too",
    ):
        assert part in found
    assert "15 problems" not in caught.value.brief or len(caught.value.problems) == 15
    assert not records.all(Recipe, gone=True)
    assert not records.stamp()


def test_what_is_here_stays(quick: Records, tmp_path: Path) -> None:
    source = written(tmp_path / "ims", data())
    import_ims(source, quick, Reporter())
    image = quick.get(Image, uuid(3))
    assert image
    quick.write(lambda tx: tx.replace(replace(image, name="renamed")))
    more = data()
    more["v2_public_keys.json"].append({**more["v2_public_keys.json"][0], "id": uuid(100)})
    more["v2.2_recipes.json"][1].update(id=uuid(101), link=more["v2.2_recipes.json"][0]["link"])
    del more["v2.2_recipes.json"][0]
    written(source, more)
    stamp = quick.stamp()
    with pytest.raises(ImsFilesError) as caught:
        import_ims(source, quick, Reporter())
    assert caught.value.problems == (
        f"v2.2_recipes.json[0]: the link s3://ims/recipes/a/recipe.tgz is that of {uuid(2)}, which is here already",
        f"v2.1_images.json[0]: {uuid(3)} is here already, and is not the same",
    )
    assert quick.stamp() == stamp
    assert quick.get(PublicKey, uuid(100)) is None


def test_a_dry_run_writes_nothing(quick: Records, tmp_path: Path) -> None:
    source = written(tmp_path / "ims", data())
    assert import_ims(source, quick, Reporter(), dry_run=True).added["v2.4_jobs.json"] == 2
    assert not quick.stamp()
    (source / "v2.4_jobs.json").write_text("[1]")
    with pytest.raises(ImsFilesError):
        import_ims(source, quick, Reporter(), dry_run=True)


def test_no_data_files(quick: Records, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of the data files"):
        import_ims(tmp_path, quick, Reporter())


@pytest.mark.slow
def test_twenty_thousand(records: Records, tmp_path: Path) -> None:
    [image] = data()["v2.1_images.json"]
    many = [
        {
            **image,
            "id": uuid(n),
            "link": {**image["link"], "path": f"s3://boot-images/{uuid(n)}/manifest.json"},
        }
        for n in range(20_000)
    ]
    source = written(tmp_path / "ims", {"v2.1_images.json": many})
    start = time.monotonic()
    imported = import_ims(source, records, Reporter())
    assert time.monotonic() - start < 60  # on a busy machine
    assert imported.added["v2.1_images.json"] == len(many)
    export_ims(tmp_path / "out", records)
    assert (tmp_path / "out" / "v2.1_images.json").read_bytes() == (source / "v2.1_images.json").read_bytes()
