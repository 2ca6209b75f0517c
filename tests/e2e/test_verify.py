"""`slipway verify`: an image proves what it is, wherever it comes from, and a changed one is found out."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from slipway.oci.store import Store
from tests.e2e.kit import Home, manifest_of, temporary, write_recipe
from tests.e2e.toys import toy_project
from tests.images.making import member
from tests.images.tampering import recompress, tamper
from tests.registry.conftest import registry  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.archive import Archive
    from tests.images.making import Member
    from tests.registry.real import RealRegistry


@pytest.fixture
def project(archive: Archive, own: Home, tmp_path: Path) -> tuple[Home, Path]:
    """A home that holds the image `toy`, and the recipe."""
    home, recipe = toy_project(archive, own, tmp_path)
    home.build(recipe)
    return home, recipe


def test_an_image_proves_itself(project: tuple[Home, Path]) -> None:
    home, recipe = project
    for extra, items in (((), 2), (("--source", str(recipe.parent)), 0)):
        (done,) = home.slipway("verify", "toy", *extra, "--json").last["platforms"]
        assert (done["outcome"], done["from_image"]) == ("verified", items)
        assert done["digest"] == done["rebuilt"]
        home.check_clean()
    said = home.slipway("verify", "toy")
    assert "toy:latest for linux/amd64" in said.out
    assert "verified: every byte is equal, 2 items of `files` taken from the image" in said.out
    assert home.slipway("image", "ls", "--json").last["images"][0]["name"] == "toy:latest"


def edited(path: str, content: bytes) -> Callable[[list[Member]], list[Member]]:
    def edit(found: list[Member]) -> list[Member]:
        assert any(info.name == path for info, _ in found)
        return [(member(path, content) if info.name == path else (info, data)) for info, data in found]

    return edit


@pytest.mark.slow
def test_a_changed_file_of_a_package_is_named(project: tuple[Home, Path]) -> None:
    home, _ = project
    store = Store(home.store)
    wheel = "pyats/lib/python3.13/site-packages/demo/__init__.py"
    for layer, path in ((0, "usr/share/ball3"), (1, wheel)):
        tamper(store, "toy", edited(path, b"evil"), layer=layer)
        error = home.refuse(4, "verify", "toy")
        assert error["code"] == "verify"
        assert f"layer {layer + 1} (" in error["brief"]
        assert f"): {path}: " in error["brief"]
        assert error["platforms"][0]["outcome"] == "different"
        home.build(project[1])


def test_what_was_slipped_in_is_named(project: tuple[Home, Path]) -> None:
    home, _ = project
    tamper(Store(home.store), "toy", lambda found: [*found, member("etc/cron.d/evil", b"x")])
    failed = home.slipway("verify", "toy", status=4)
    assert (
        "error: toy:latest is not what its lock makes: layer 4 (installation): etc/cron.d/evil is extra"
        in (failed.err)
    )


def test_other_compression_is_a_warning(project: tuple[Home, Path]) -> None:
    home, _ = project
    recompress(Store(home.store), "toy", 0)
    done = home.slipway("verify", "toy")
    assert "warning: the content is the same, but layer 1 (debian toys) is compressed differently" in done.err
    assert "repackaged: the content is equal, its packing is not" in done.out
    (told,) = home.slipway("verify", "toy", "--json").last["platforms"]
    assert (told["outcome"], told["packaging"]) == (
        "repackaged",
        ["layer 1 (debian toys) is compressed differently"],
    )


def test_an_image_in_a_registry(
    project: tuple[Home, Path],
    registry: RealRegistry,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    """Somebody who has neither image nor sources, only the name."""
    home, _ = project
    name = f"{registry.host}/verify/toy:1"
    home.slipway("image", "push", "toy", name)
    other = Home(tmp_path / "other", home.extra)
    (done,) = other.slipway("verify", name, "--json").last["platforms"]
    assert (done["outcome"], done["from_image"], done["image"]) == ("verified", 2, name)
    assert other.slipway("image", "ls", "--json").last["images"] == []
    other.check_clean()
    tamper(Store(home.store), "toy", edited("usr/share/ball3", b"evil"), layer=0)
    home.slipway("image", "push", "toy", name)
    error = other.refuse(4, "verify", name)
    assert "layer 1 (debian toys): usr/share/ball3: " in error["brief"]
    missing = other.refuse(4, "verify", f"{registry.host}/verify/none:1")
    assert "no image" in missing["brief"]
    assert other.refuse(2, "verify", "toys")["brief"] == "no image 'toys' in the store"


def test_an_image_on_a_base_in_a_registry(
    project: tuple[Home, Path],
    registry: RealRegistry,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    """The layers of the base are not asked for, unless they are what differs."""
    home, _ = project
    base = f"{registry.host}/verify/base:1"
    home.slipway("image", "push", "toy", base)
    other = Home(tmp_path / "other", home.extra)
    text = f"tag: above\nbase: {base}\nfiles: [readme]\n"
    result = other.build(write_recipe(tmp_path / "above", text, readme="read me\n"))
    below = manifest_of(other, result)["layers"][0]["digest"]
    (done,) = other.slipway("verify", "above", "--json").last["platforms"]
    assert (done["outcome"], done["from_image"]) == ("verified", 1)
    assert not other.blob(below).exists()
    other.slipway("image", "push", "above", f"{registry.host}/verify/above:1")
    third = Home(tmp_path / "third", home.extra)
    name = f"{registry.host}/verify/above:1"
    assert third.slipway("verify", name, "--json").last["platforms"][0]["outcome"] == "verified"
    third.slipway("image", "pull", name)
    tamper(Store(third.store), name, edited("usr/share/ball3", b"evil"), layer=0)
    error = third.refuse(4, "verify", name)
    assert "layer 1 (base): usr/share/ball3: " in error["brief"]


def test_what_cannot_be_verified(project: tuple[Home, Path]) -> None:
    home, _ = project
    tamper(Store(home.store), "toy", config=lambda c: c.pop("slipway.lock.v1"))
    error = home.refuse(2, "verify", "toy")
    assert "toy:latest carries no lock" in error["brief"]
    tamper(Store(home.store), "toy", config=lambda c: c.update({"slipway.lock.v1": {"format": 1}}))
    assert home.refuse(9, "verify", "toy")["code"] == "lock"


def test_interrupted_and_killed(project: tuple[Home, Path]) -> None:
    home, _ = project
    for how in (signal.SIGINT, signal.SIGKILL):
        process = home.start("verify", "toy")
        # something in it: an interrupt right after the directory was made would leave it, as a kill does
        while not list(home.cache.glob(".tmp-verify-*/*")):
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(how)
        process.communicate(timeout=20)
        if how is signal.SIGINT:
            home.check_clean()
    (left,) = home.cache.glob(".tmp-verify-*")
    os.utime(left, (0, 0))
    home.slipway("store", "gc")
    assert temporary(home.store, home.cache) == []
    assert list((home.cache / "downloads").iterdir())


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize("name", ["hello", pytest.param("two-platforms", marks=pytest.mark.thorough)])
def test_an_example(home: Home, built: Callable[[str], dict[str, Any]], name: str) -> None:
    result = built(name)
    platforms = home.slipway("verify", name, "--json", timeout=300).last["platforms"]
    assert {done["outcome"] for done in platforms} == {"verified"}
    assert len(platforms) == len({layer["platform"] for layer in result["layers"]})
