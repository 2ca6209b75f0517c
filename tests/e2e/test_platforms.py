"""Several platforms in one image: built without emulation, sent as one, taken apart again where it is used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from slipway.oci.layout import export_layout
from slipway.oci.reader import this_machine
from tests.build.engines.trees import config, tree
from tests.e2e.conftest import need
from tests.e2e.kit import Home, example, manifest_of, run, write_recipe
from tests.images.making import Maker, folder, member
from tests.registry.real import RealRegistry, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RECIPE = """
tag: both
base: scratch
platforms: [linux/amd64, linux/arm64]
files: [a.txt]
cmd: [/none]
"""
LOCAL = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1", "DOCKER_CONFIG": "/nonexistent"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_recipe(tmp_path / "p", RECIPE, **{"a.txt": "a\n"})


def other() -> str:
    return "amd64" if this_machine() == "linux/arm64" else "arm64"


def test_one_index_with_shared_layers(own: Home, recipe: Path) -> None:
    done = own.build(recipe)
    index = own.json_blob(done["image"]["digest"])
    assert [m["platform"]["architecture"] for m in index["manifests"]] == ["amd64", "arm64"]
    assert {layer["platform"] for layer in done["layers"]} == {"linux/amd64", "linux/arm64"}
    trees = []
    for row in index["manifests"]:
        assert config(own.store, row["digest"])["architecture"] == row["platform"]["architecture"]
        trees.append(tree(own.store, row["digest"]).keys())
    assert trees[0] == trees[1]
    plans = own.slipway("build", recipe, "--dry-run", "--json").last["plans"]
    assert [p["platform"] for p in plans] == ["linux/amd64", "linux/arm64"]
    assert {a["kind"] for p in plans for a in p["actions"]} == {"reuse"}


def test_pushed_as_one_and_pulled_apart(
    own: Home, recipe: Path, registry: RealRegistry, tmp_path: Path
) -> None:
    name = f"{registry.host}/team/both:1"
    home = own.with_(**LOCAL)
    done = home.build(recipe, "--tag", name, "--push")
    assert done["pushed"]["digest"] == done["image"]["digest"]
    for arch in ("amd64", "arm64"):
        puller = home.with_(SLIPWAY_STORE=str(tmp_path / arch))
        pulled = puller.slipway("image", "pull", name, "--platform", f"linux/{arch}", "--json").last["pulled"]
        assert pulled["platforms"] == [f"linux/{arch}"]
        found = puller.slipway("image", "inspect", name, "--json").last["image"]
        assert found["Architecture"] == arch
    whole = home.with_(SLIPWAY_STORE=str(tmp_path / "whole"))
    pulled = whole.slipway("image", "pull", name, "--all-platforms", "--json").last["pulled"]
    assert pulled["digest"] == done["image"]["digest"]
    assert pulled["platforms"] == ["linux/amd64", "linux/arm64"]
    here = home.with_(SLIPWAY_STORE=str(tmp_path / "here"))
    assert here.slipway("image", "pull", name, "--json").last["pulled"]["platforms"] == [this_machine()]


def test_others_take_what_fits_them(own: Home, recipe: Path, registry: RealRegistry) -> None:
    need("skopeo")
    name = f"{registry.host}/team/others:1"
    own.with_(**LOCAL).build(recipe, "--tag", name, "--push")
    for arch in ("amd64", "arm64"):
        argv = ["skopeo", "inspect", "--tls-verify=false", f"--override-arch={arch}", f"docker://{name}"]
        assert json.loads(run(argv, env=own.with_(**LOCAL).env).out)["Architecture"] == arch


@pytest.mark.docker
def test_load_takes_what_fits_the_daemon(own: Home, recipe: Path, docker_host: str) -> None:
    import docker

    own.with_(DOCKER_HOST=docker_host).build(recipe, "--tag", "slipway-both", "--load")
    client = docker.DockerClient(base_url=docker_host)
    try:
        found = client.images.get("slipway-both:latest").attrs["Architecture"]
    finally:
        client.close()
    assert f"linux/{found}" == this_machine()


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.thorough
def test_packages_of_both(
    built: Callable[[str], dict[str, Any]], home: Home, registry: RealRegistry, tmp_path: Path
) -> None:
    """No program of the other platform runs here, and yet its image is whole, in the registry too."""
    done = built("two-platforms")
    name = f"{registry.host}/team/real:1"
    result = home.with_(**LOCAL).build(example("two-platforms"), "--tag", name, "--push", timeout=300)
    assert result["image"]["digest"] == done["image"]["digest"]
    puller = home.with_(SLIPWAY_STORE=str(tmp_path / "store"), **LOCAL)
    puller.slipway("image", "pull", name, "--platform", f"linux/{other()}")
    wanted = [layer["digest"] for layer in manifest_of(home, done, other())["layers"]]
    assert all(puller.blob(digest).exists() for digest in wanted)


class TestCommands:
    """A command needs the processor that it is for."""

    @pytest.fixture
    def layout(self, tmp_path: Path) -> Path:
        maker = Maker(tmp_path / "maker")
        layer = maker.layer(folder("bin"), member("bin/sh", b"\x7fELF of another world", mode=0o755))
        image = maker.image(layer, platform=f"linux/{other()}")
        export_layout(maker.store, image, tmp_path / "layout", "base")
        return tmp_path / "layout"

    def test_for_another_platform(self, own: Home, layout: Path, tmp_path: Path) -> None:
        text = f"tag: x\nbase: 'oci:{layout}'\nplatforms: [linux/{other()}]\nentrypoint: []\nrun:\n  - echo here\n"
        recipe = write_recipe(tmp_path / "p", text)
        done = own.slipway("build", recipe, "--json", status=None).last
        if done.get("code") != "tool":
            pytest.skip("this machine has an emulator")
        assert f"linux/{other()}" in done["brief"]
        assert "qemu-user-static" in done["hint"]
        assert done["where"]["line"] == 6
        assert own.refuse(7, "build", recipe, "--engine", "buildah")["hint"] == done["hint"]
        assert own.slipway("image", "ls", "--json").last["images"] == []

    def test_without_commands_the_same_base_does(self, own: Home, layout: Path, tmp_path: Path) -> None:
        text = f"tag: x\nbase: 'oci:{layout}'\nplatforms: [linux/{other()}]\nentrypoint: []\nfiles: [a.txt]\n"
        done = own.build(write_recipe(tmp_path / "p", text, **{"a.txt": "a\n"}))
        assert config(own.store, done["image"]["digest"])["architecture"] == other()
