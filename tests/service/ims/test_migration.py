"""What the original deleted comes back here: its data files are read, and its objects are where it left them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from slipway.events import Reporter
from slipway.service.artifacts.manifest import ROOTFS
from slipway.service.records.ims_files import import_ims
from tests.service.ims.test_together import UNDELETE, keys, real

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.ims.conftest import World

__all__ = ["real"]
IMAGE = "0aa4b9ce-3a9f-4ba2-a4d8-6b1f9f4f0e5d"
RECIPE = "7d3f4f0c-8a55-4d67-b6a1-3f1c53d1a0aa"
TIMES = {"created": "2024-05-06T07:08:09.101112", "deleted": "2025-01-02T03:04:05"}


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/db/service.db"


def put(world: World, bucket: str, key: str, content: bytes) -> dict[str, str]:
    stat = world.artifacts.put(bucket, key, [content], metadata={"md5sum": "of " + key})
    return {"path": f"s3://{bucket}/{key}", "etag": stat.etag, "type": "s3"}


def left_behind(world: World, directory: Path) -> dict[str, Any]:
    """An image and a recipe that the original has deleted; the first manifest of the image."""
    rootfs = put(world, "boot-images", f"deleted/{IMAGE}/rootfs", b"squashed")
    first = {**rootfs, "path": f"s3://boot-images/{IMAGE}/rootfs"}
    listed = [{"link": first, "md5": "1", "type": ROOTFS}]
    manifest = {"version": "1.0", "created": "2024-05-06 07:08:09.1", "artifacts": listed}
    moved = put(world, "boot-images", f"deleted/{IMAGE}/manifest.json", json.dumps(manifest).encode())
    told = {
        "version": "1.0",
        "created": "2025-01-02 03:04:05",
        "artifacts": [
            {"type": ROOTFS, "md5": "1", "link": rootfs},
            {"type": "application/vnd.cray.image.manifest", "link": moved},
        ],
    }
    link = put(world, "boot-images", f"deleted/{IMAGE}/deleted_manifest.json", json.dumps(told).encode())
    image = {
        "id": IMAGE,
        "name": "old",
        "link": {**link, "etag": ""},
        "arch": "aarch64",
        "metadata": {"k": "v"},
        **TIMES,
    }
    archive = put(world, "ims", f"deleted/recipes/{RECIPE}/recipe.tar.gz", b"archive")
    recipe = {
        "id": RECIPE,
        "name": "old",
        "link": archive,
        "recipe_type": "kiwi-ng",
        "linux_distribution": "sles15",
        "template_dictionary": [{"key": "A", "value": "B"}],
        "require_dkms": False,
        "arch": "x86_64",
        **TIMES,
    }
    directory.mkdir()
    (directory / "v3.1_deleted_images.json").write_text(json.dumps([image]))
    (directory / "v3.2_deleted_recipes.json").write_text(json.dumps([recipe]))
    return manifest


def test_what_the_original_deleted_comes_back(real: World, tmp_path: Path) -> None:
    manifest = left_behind(real, tmp_path / "data")
    import_ims(tmp_path / "data", real.service.records, Reporter())
    assert real.ask("GET", f"/v3/deleted/images/{IMAGE}").json["deleted"] == TIMES["deleted"]
    for kind, id_ in (("images", IMAGE), ("recipes", RECIPE)):
        assert real.ask("PATCH", f"/v3/deleted/{kind}/{id_}", UNDELETE).status == 204
        assert real.ask("GET", f"/v3/deleted/{kind}").json == []
    image = real.ask("GET", f"/v3/images/{IMAGE}").json
    assert (image["created"], image["arch"], image["metadata"]) == (TIMES["created"], "aarch64", {"k": "v"})
    assert image["link"]["path"] == f"s3://boot-images/{IMAGE}/manifest.json"
    assert sorted(keys(real)) == [f"{IMAGE}/manifest.json", f"{IMAGE}/rootfs"]
    assert json.loads(real.artifacts.read("boot-images", f"{IMAGE}/manifest.json", 1 << 20)) == manifest
    rootfs = real.artifacts.head("boot-images", f"{IMAGE}/rootfs")
    assert rootfs is not None
    assert rootfs.metadata["md5sum"] == f"of deleted/{IMAGE}/rootfs"
    recipe = real.ask("GET", f"/v3/recipes/{RECIPE}").json
    assert recipe["link"]["path"] == f"s3://ims/recipes/{RECIPE}/recipe.tar.gz"
    assert recipe["require_dkms"] is False
    assert [stat.key for stat in real.artifacts.walk("ims")] == [f"recipes/{RECIPE}/recipe.tar.gz"]
