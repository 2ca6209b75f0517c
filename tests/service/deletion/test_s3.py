"""Deletions in an S3: rclone's for speed, Ceph's for what only a real one does."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.service.artifacts.model import split
from slipway.service.model import Image, Link, Recipe
from tests.service.deletion.conftest import ALICE, TYPES, House, document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.artifacts.s3 import S3Artifacts


@pytest.fixture(params=["rclone", pytest.param("rgw", marks=pytest.mark.slow)])
def storage(request: pytest.FixtureRequest) -> Artifacts:
    found: Artifacts = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def house(tmp_path: Path, storage: Artifacts, houses: Callable[..., House]) -> House:
    return houses(f"sqlite:///{tmp_path}/db/service.db", storage)


def test_there_and_back_and_away(house: House) -> None:
    image, recipe = house.image(without_md5="initrd"), house.recipe()
    before = house.content()
    stats = {path: house.artifacts.head(*split(path)) for path in before}
    gone = house.deletion.delete_all([image, recipe], ALICE)
    for record in (image, recipe):
        assert house.settled(record).state == "deleted"
    content = house.content()
    assert not any("/deleted/" not in path for path in content)
    assert len(content) == len(before) + 1
    listed = document(house, f"s3://boot-images/deleted/{image.id}/deleted_manifest.json")
    for each in listed["artifacts"]:
        stat = house.artifacts.head(*split(each["link"]["path"]))
        assert stat
        assert stat.etag == each["link"]["etag"]
    back = house.deletion.undelete_all(gone, ALICE)
    for record in (image, recipe):
        assert replace(house.settled(record), version=1) == record
    assert house.content() == before
    for path, stat in stats.items():
        after = house.artifacts.head(*split(path))
        assert stat
        assert after
        after.metadata.pop("mtime", None)  # rclone's
        assert replace(after, modified=0) == replace(stat, modified=0)
    house.deletion.purge_all(back, ALICE)
    for record in (image, recipe):
        assert house.settled(record) is None
    assert house.content() == {}


@pytest.mark.slow
def test_copies_in_parts(tmp_path: Path, rgw: S3Artifacts, houses: Callable[..., House]) -> None:
    """Their ETags are others, which the manifest and the links then say; metadata stay."""
    from boto3.s3.transfer import TransferConfig

    rgw._copies = TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=5 << 20)
    house = houses(f"sqlite:///{tmp_path}/db/service.db", rgw)
    image = house.image("44444444-4444-4444-8444-444444444444")
    big = os.urandom(12 << 20)
    key = f"{image.id}/rootfs"
    first = rgw.put("boot-images", key, [big], metadata={"md5sum": "abc"})
    assert image.link
    manifest = document(house, image.link.path)
    entry = next(each for each in manifest["artifacts"] if each["type"] == TYPES["rootfs"])
    entry["link"]["etag"] = first.etag
    stat = rgw.put(*split(image.link.path), [json.dumps(manifest).encode()], metadata={"md5sum": "m"})
    image = house.records.write(lambda tx: tx.replace(replace(image, link=Link(image.link.path, stat.etag))))  # type: ignore[union-attr]
    assert isinstance(image, Image)
    big_recipe = rgw.put("ims", "recipes/big/recipe.tgz", [big], metadata={"md5sum": "r"})
    recipe = Recipe(
        id="big",
        created=1,
        name="b",
        recipe_type="packer",
        linux_distribution="sles12",
        link=Link("s3://ims/recipes/big/recipe.tgz", big_recipe.etag),
    )
    house.records.write(lambda tx: tx.add(recipe))

    gone = house.deletion.delete_all([image, recipe], ALICE)
    assert house.settled(image, 60).state == "deleted"
    link = house.settled(recipe, 60).link
    away = rgw.head("ims", "deleted/recipes/big/recipe.tgz")
    assert away
    assert (link.etag, away.metadata) == (away.etag, {"md5sum": "r"})
    house.deletion.undelete_all(gone, ALICE)
    back = house.settled(image, 60)
    after = rgw.head("boot-images", key)
    assert after
    assert "-" in after.etag
    assert after.metadata == {"md5sum": "abc"}
    assert rgw.read("boot-images", key, 1 << 30) == big
    final = document(house, back.link.path)
    listed = {each["type"]: each["link"]["etag"] for each in final["artifacts"]}
    assert listed[TYPES["rootfs"]] == after.etag
    own = rgw.head(*split(back.link.path))
    assert own
    assert back.link.etag == own.etag
    assert replace(back, version=image.version, link=image.link) == image
    found = house.settled(recipe, 60)
    copy = rgw.head("ims", "recipes/big/recipe.tgz")
    assert copy
    assert found.link.etag == copy.etag
    house.deletion.purge_all([back, found], ALICE)
    for record in (back, found):
        assert house.settled(record, 60) is None
