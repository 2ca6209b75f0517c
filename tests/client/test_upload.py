"""Uploads to a real service: what is there afterwards, what is not sent twice, and what is left when it fails."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from slipway.client import Client, ServiceError, transfer
from slipway.client.transfer import part_size
from slipway.client.upload import Uploads
from slipway.errors import InputError, SlipwayError, UsageError
from slipway.events import StepEnded, StepMoved

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.events import Event
    from tests.client.conftest import World

MIB = 1 << 20


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A root file system of three parts, and two small files."""
    made = {}
    for name, size in (("rootfs", 2 * part_size(0) + 5), ("kernel", 3), ("initrd", MIB)):
        made[name] = tmp_path / f"{name}.img"
        made[name].write_bytes(os.urandom(MIB) * (size // MIB) + b"x" * (size % MIB))
    return made


def given(files: dict[str, Path]) -> dict[str, Any]:
    return dict(files)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_an_image(client: Client, files: dict[str, Path], heard: list[Event]) -> None:
    done = client.upload_image("compute", **given(files), arch="aarch64", metadata={"a": "b"})
    assert done.job is None
    image = client.images.get(done.image["id"])
    assert image == done.image
    assert (image["arch"], image["metadata"]) == ("aarch64", {"a": "b"})
    assert image["link"] == done.artifacts[-1].link
    assert image["link"]["path"] == f"s3://boot-images/{image['id']}/manifest.json"
    document: Any = client.read_manifest(image)
    assert document["version"] == "1.0"
    assert set(document) == {"artifacts", "created", "version"}
    assert [each["link"]["path"].rpartition("/")[2] for each in document["artifacts"]] == list(files)
    assert [each["md5"] for each in document["artifacts"]] == [md5(path) for path in files.values()]
    sent = {each.path: each for each in done.artifacts}
    for each in document["artifacts"]:
        found = client.depot().head("boot-images", each["link"]["path"].removeprefix("s3://boot-images/"))
        assert found
        assert (found.etag, found.md5) == (each["link"]["etag"], each["md5"])
        assert sent[each["link"]["path"]].sha256
    moved = {each.id: each for each in heard if isinstance(each, StepMoved)}
    assert any(each.done == each.total == files["rootfs"].stat().st_size for each in moved.values())
    assert all(each.ok for each in heard if isinstance(each, StepEnded))


def test_metadata_and_types_are_those_of_the_original(
    on_s3: World, tmp_path: Path, files: dict[str, Path]
) -> None:
    import boto3

    with Client(on_s3.url, s3=on_s3.access) as client:
        done = client.upload_image("Übung 1", **given(files))
    assert on_s3.access
    s3 = boto3.client(
        "s3",
        endpoint_url=on_s3.access.endpoint,
        aws_access_key_id=on_s3.access.access_key,
        aws_secret_access_key=on_s3.access.secret_key,
        region_name="us-east-1",
    )
    identity = done.image["id"]
    for name, kind in (
        ("rootfs", "application/vnd.cray.image.rootfs.squashfs"),
        ("kernel", "application/vnd.cray.image.kernel"),
        ("initrd", "application/vnd.cray.image.initrd"),
        ("manifest.json", "application/json"),
    ):
        found = s3.head_object(Bucket="boot-images", Key=f"{identity}/{name}")
        metadata = {key.lower(): value for key, value in found["Metadata"].items()}
        if name == "manifest.json":
            assert set(metadata) <= {"md5sum", "mtime"}
            text = s3.get_object(Bucket="boot-images", Key=f"{identity}/{name}")["Body"].read().decode()
            assert text == json.dumps(json.loads(text), indent=4, sort_keys=True)
        else:
            assert metadata["md5sum"] == md5(files[name])
            assert metadata["x-shasta-ims-image-id"] == identity
            assert metadata["x-shasta-ims-image-name"].isascii()
        assert kind in [each.type for each in done.artifacts]
    s3.close()


def test_the_same_again_is_not_sent(client: Client, files: dict[str, Path]) -> None:
    first = client.upload_image("same", **given(files))
    again = client.upload_image("same", **given(files), skip_existing=True)
    assert again.skipped
    assert again.image == first.image
    files["kernel"].write_bytes(b"other")
    other = client.upload_image("same", **given(files), skip_existing=True)
    assert other.image["id"] != first.image["id"]


def test_an_image_without_artifacts_is_filled(client: Client, files: dict[str, Path]) -> None:
    other = client.images.create("empty", arch="aarch64")
    empty = client.images.create("empty", arch="x86_64")
    done = client.upload_image("empty", **given(files), skip_existing=True, arch="x86_64")
    assert done.image["id"] == empty["id"] != other["id"]


def test_an_interrupted_upload_goes_on(
    client: Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ctrl-C does it: the main thread hears of it, the others are told."""
    depot = client.depot()
    sent: list[int] = []
    part = depot.part
    monkeypatch.setattr(transfer, "SENDERS", 1)
    monkeypatch.setattr(transfer, "PART", 5 * MIB)  # seven parts

    def interrupted(*given: Any) -> str:
        if given[3] == 2:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(0.3)
        return part(*given)

    def counted(*given: Any) -> str:
        sent.append(given[3])
        return part(*given)

    monkeypatch.setattr(depot, "part", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.upload_image("long", **given(files))
    begun = next(each for each in client.images.list() if each["name"] == "long")
    monkeypatch.setattr(depot, "part", counted)
    done = client.upload_image("long", **given(files), resume=True)
    assert done.image["id"] == begun["id"]
    assert 7 in sent
    assert not {1, 2} & set(sent)
    assert client.images.get(begun["id"])["link"]


def test_interrupted_before_anything_was_sent(
    client: Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Uploads, "_send_all", interrupt)
        client.upload_image("early", **given(files))
    done = client.upload_image("early", **given(files), resume=True)
    assert [each for each in client.images.list() if each["name"] == "early"] == [done.image]


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_failure_leaves_nothing(
    client: Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    depot = client.depot()
    before = {each["id"] for each in [*client.images.list(), *client.images.deleted()]}
    made: list[str] = []

    def refused(bucket: str, key: str, *_: Any) -> str:
        made.append(key.partition("/")[0])
        raise SlipwayError("no more")

    monkeypatch.setattr(depot, "part", refused)
    with pytest.raises(SlipwayError, match="no more"):
        client.upload_image("broken", **given(files))
    assert {each["id"] for each in [*client.images.list(), *client.images.deleted()]} == before
    for name in ("kernel", "initrd", "rootfs"):
        assert depot.head("boot-images", f"{made[0]}/{name}") is None
        assert not depot.begun("boot-images", f"{made[0]}/{name}")


def test_a_record_that_was_there_is_kept(
    client: Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = client.images.create("kept")
    monkeypatch.setattr(client.depot(), "put", lambda *_: (_ for _ in ()).throw(SlipwayError("no")))
    with pytest.raises(SlipwayError, match="no"):
        client.upload_image("kept", **given(files), skip_existing=True)
    assert client.images.get(empty["id"]) == empty


def test_a_file_that_changes(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "rootfs"
    path.write_bytes(b"1")
    with pytest.raises(InputError, match="changed"), transfer.steady(path):
        path.write_bytes(b"22")


def test_nothing_is_begun_for_files_that_cannot_be_read(client: Client, tmp_path: Path) -> None:
    before = client.images.list()
    with pytest.raises(UsageError, match="is not a file"):
        client.upload_image("none", rootfs=tmp_path / "none")
    assert client.images.list() == before


def test_without_artifacts_there_is_a_record(client: Client) -> None:
    done = client.upload_image("bare")
    assert (done.image["link"], done.artifacts) == (None, ())


def test_an_image_without_a_rootfs_is_refused_and_removed(client: Client, files: dict[str, Path]) -> None:
    before = {each["id"] for each in client.images.list()}
    with pytest.raises(ServiceError, match="rootfs"):
        client.upload_image("no-root", kernel=files["kernel"])
    assert {each["id"] for each in client.images.list()} == before


def test_recipes(client: Client, tmp_path: Path) -> None:
    archive = tmp_path / "recipe.tgz"
    archive.write_bytes(b"recipe")
    done = client.upload_recipe("r", archive, linux_distribution="sles15", require_dkms=False)
    recipe = done.recipe
    assert recipe["link"]
    assert recipe["link"]["path"] == f"s3://ims/recipes/{recipe['id']}/recipe.tar.gz"
    assert not recipe["require_dkms"]
    again = client.upload_recipe("r", archive, linux_distribution="sles15", template_dictionary={})
    assert again.skipped
    assert again.recipe == recipe
    other = client.upload_recipe("r", archive, linux_distribution="sles15", template_dictionary={"A": "1"})
    assert other.recipe["id"] != recipe["id"]
    assert other.recipe["template_dictionary"] == [{"key": "A", "value": "1"}]


def test_a_recipe_without_an_archive_is_filled(client: Client, tmp_path: Path) -> None:
    archive = tmp_path / "recipe.tgz"
    archive.write_bytes(b"recipe 2")
    empty = client.recipes.create("fill", linux_distribution="sles15")
    done = client.upload_recipe("fill", archive, linux_distribution="sles15", template_dictionary={"A": "1"})
    assert done.recipe["id"] == empty["id"]
    assert done.recipe["template_dictionary"] == [{"key": "A", "value": "1"}]


def test_sizes_of_parts() -> None:
    assert part_size(1) == 16 * MIB
    for size in (10**9, 160_000 * MIB, 160_000 * MIB + 1, 5 << 40):
        assert -(-size // part_size(size)) <= 10_000
        assert part_size(size) % MIB == 0
