"""Records of a real service: made, listed, shown, changed, deleted, brought back and removed for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from slipway.client import AsyncClient, Client, ServiceError
from slipway.errors import UsageError
from slipway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.conftest import World


def test_keys(client: Client) -> None:
    made = client.keys.create("crew", "ssh-ed25519 AAAA")
    assert client.keys.get(made["id"]) == made
    assert made in client.keys.list()
    client.keys.delete(made["id"])
    assert made["id"] not in [each["id"] for each in client.keys.list()]
    assert client.keys.get_deleted(made["id"])["name"] == "crew"
    client.keys.undelete(made["id"])
    assert client.keys.get(made["id"]) == made
    client.keys.delete(made["id"])
    client.keys.purge(made["id"])
    assert made["id"] not in [each["id"] for each in client.keys.deleted()]


def test_recipes(client: Client) -> None:
    made = client.recipes.create(
        "r",
        linux_distribution="sles15",
        arch="aarch64",
        require_dkms=False,
        template_dictionary={"A": "1"},
    )
    assert (made["arch"], made["require_dkms"], made["link"]) == ("aarch64", False, None)
    changed = client.recipes.patch(made["id"], template_dictionary={"B": "2"}, require_dkms=True)
    assert changed["template_dictionary"] == [{"key": "B", "value": "2"}]
    assert changed["require_dkms"]
    assert changed["arch"] == "aarch64"


@pytest.mark.parametrize("metadata", [{}, {"a": "b", "c": "d"}, {"key": "x", "value": "y"}])
def test_metadata_of_images(client: Client, metadata: dict[str, str]) -> None:
    made = client.images.create("i", metadata=metadata)
    assert client.images.get(made["id"])["metadata"] == metadata
    changed = client.images.patch(made["id"], set_metadata={"n": "1"}, remove_metadata=["a", "none"])
    assert changed["metadata"] == {**{k: v for k, v in metadata.items() if k != "a"}, "n": "1"}


def test_nodes(client: Client) -> None:
    assert client.nodes.create("x1000c0s0b0n0") == {"xname": "x1000c0s0b0n0"}
    assert {"xname": "x1000c0s0b0n0"} in client.nodes.list()
    client.nodes.delete("x1000c0s0b0n0")
    assert {"xname": "x1000c0s0b0n0"} not in client.nodes.list()


def test_pages(client: Client) -> None:
    ids = {client.images.create("paged")["id"] for _ in range(5)}
    found = list(client.images.pages(name="paged", limit="2"))
    assert {each["id"] for each in found} == ids
    assert len(found) == 5
    client.nodes.create("x2")
    assert "x2" in [each["xname"] for each in client.nodes.pages()]
    with pytest.raises(ServiceError):
        list(client.images.pages(bogus="1"))


def test_refusals_say_what_is_wrong(client: Client) -> None:
    with pytest.raises(ServiceError) as caught:
        client.recipes.create("r", linux_distribution="beos")
    assert caught.value.status == 422
    assert "linux_distribution: " in caught.value.details
    assert caught.value.as_dict()["errors"]
    with pytest.raises(ServiceError) as caught:
        client.images.get("../../version")
    assert caught.value.status == 404
    assert "does not exist" in caught.value.brief or "not found" in caught.value.brief
    for wrong in ("", ".", ".."):
        with pytest.raises(UsageError):
            client.images.get(wrong)


def test_what_is_awaited(on_disk: World, tmp_path: Path) -> None:
    async def work() -> None:
        settings = Settings(store=tmp_path / "store", cache=tmp_path / "cache")
        async with AsyncClient(on_disk.url, settings=settings) as client:
            made = await asyncio.gather(*(client.keys.create(f"k{n}", "ssh") for n in range(12)))
            assert len({each["id"] for each in made}) == 12
            assert (await client.keys.get(made[3]["id"]))["name"] == "k3"
            with pytest.raises(ServiceError):
                await client.images.get("none")

    asyncio.run(work())
