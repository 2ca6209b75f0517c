"""What is in the storage of a real service, and what was begun by another machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from slipway.client import AsyncClient, Client
from slipway.client.artifacts import beginning
from slipway.errors import InputError
from slipway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.conftest import World


def test_artifacts(client: Client, world: World, tmp_path: Path) -> None:
    (tmp_path / "rootfs").write_bytes(b"squashfs")
    image = client.upload_image("listed", rootfs=tmp_path / "rootfs").image["id"]
    found = client.artifacts.list("boot-images", image)
    assert [each["key"] for each in found] == [f"{image}/manifest.json", f"{image}/rootfs"]
    assert (found[1]["size"], found[1]["record"]) == (8, {"kind": "image", "id": image})
    in_pages = client.artifacts.each("", image, 1)
    assert [each["path"] for each in in_pages] == [each["path"] for each in found]
    assert (found[1]["content_type"] is None) == (world.s3 is not None)

    async def later() -> object:
        async with AsyncClient(world.url) as service:
            return await service.artifacts.list("boot-images", image)

    assert asyncio.run(later()) == found


def test_what_another_machine_began(on_disk: World, tmp_path: Path) -> None:
    machines = [
        Client(on_disk.url, settings=Settings(store=tmp_path / "store", cache=tmp_path / name))
        for name in ("one", "two")
    ]
    with machines[0] as one, machines[1] as two:
        key = f"{one.images.create('begun')['id']}/rootfs"
        upload = one.depot().begin("boot-images", key, "x/y", {})
        one.depot().part(
            "boot-images", key, upload, 1, b"x", bytes.fromhex("9dd4e461268c8034f5c8564e155c67a6")
        )
        assert two.depot().begun("boot-images", key) == upload
        assert two.depot().begun("boot-images", key[:-1]) == ""
        assert two.depot().begun("elsewhere", key) == ""
        [found] = two.artifacts.uploads("boot-images", key)
        assert (found["id"], found["size"]) == (upload, 1)
        two.artifacts.abort(upload)
        assert one.depot().begun("boot-images", key) == ""
        assert two.artifacts.uploads(prefix=key) == []


def test_beginnings() -> None:
    assert beginning("s3://b") == beginning("s3://b/") == ("b", "")
    assert beginning("s3://b/c/d") == ("b", "c/d")
    for path in ("", "b", "s3://", "s3:///x"):
        with pytest.raises(InputError):
            beginning(path)
