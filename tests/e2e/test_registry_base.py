"""Images built on others that are in a registry: a Python image, made by us and pushed, stands in for Docker Hub's."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.kit import Home, run, write_recipe
from tests.registry.real import RealRegistry, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "docker.io/library/python:3.12-slim"
MAKER = """
base: {debian: bookworm, packages: [python3, ca-certificates]}
workspace: /srv
cmd: [python3]
env: {LANG: C.UTF-8}
"""
PYTHON = """
tag: tool
python: "3.12"
packages: [requests, markupsafe]
files: [a.txt]
"""
FILES = """
tag: {name}
python: "3.12"
files: [a.txt]
"""
# Runs the command, then tells what of the network's modules it has loaded
PROBE = """
import sys
from slipway.cli.main import main
try:
    main()
finally:
    found = {"httpx2", "ssl", "slipway.registry.session"} & set(sys.modules)
    print("loaded:", *(sorted(found) or ["none"]), file=sys.stderr)
"""
# Docker's client is told of no proxy for the registry on this machine
LOCAL = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1", "DOCKER_CONFIG": "/nonexistent"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with running(tmp_path_factory.mktemp("hub")) as registry:
        yield registry


@pytest.fixture(scope="module")
def base(hub: RealRegistry, home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`python:3.12-slim`, as the result of the build that pushed it."""
    recipe = write_recipe(tmp_path_factory.mktemp("base"), MAKER)
    name = f"{hub.host}/library/python:3.12-slim"
    return home.with_(**LOCAL).build(recipe, "--tag", name, "--push", timeout=300)


@pytest.fixture
def user(own: Home, hub: RealRegistry, base: dict[str, Any]) -> Home:
    """Somebody to whom that registry is Docker Hub."""
    return own.with_(SLIPWAY_REGISTRY_MIRROR=hub.url, **LOCAL)


def layers(home: Home, result: dict[str, Any]) -> list[str]:
    manifest = home.json_blob(result["image"]["digest"])
    return [layer["digest"] for layer in manifest["layers"]]


@pytest.mark.net
@pytest.mark.slow
def test_its_python_is_found_and_used(user: Home, base: dict[str, Any], tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "p", PYTHON, **{"a.txt": "hello\n"})
    (first,) = user.slipway("build", recipe, "--dry-run", "--json").last["plans"]
    assert first["downloads"] == len(base["layers"])
    assert [a["kind"] for a in first["actions"]] == ["keep"]
    assert not any(user.blob(layer["digest"]).exists() for layer in base["layers"])

    built = user.build(recipe)
    assert layers(user, built)[: len(base["layers"])] == [layer["digest"] for layer in base["layers"]]
    annotations = user.json_blob(built["image"]["digest"])["annotations"]
    assert annotations["org.opencontainers.image.base.name"] == NAME
    assert annotations["org.opencontainers.image.base.digest"] == base["image"]["digest"]
    code = "import requests, sys; from markupsafe import _speedups; print(sys.prefix, *sys.version_info[:2])"
    assert user.inside("tool", "python", "-c", code).out == "/pyats 3 11\n"
    assert user.inside("tool", "sh", "-c", "echo $LANG; cat a.txt").out == "C.UTF-8\nhello\n"
    assert [a["kind"] for a in user.plan(recipe)] == ["keep", "reuse", "reuse", "reuse", "reuse"]


@pytest.mark.net
@pytest.mark.slow
def test_no_layer_of_it_moves_for_files(
    user: Home, hub: RealRegistry, base: dict[str, Any], tmp_path: Path
) -> None:
    name = f"{hub.host}/team/files:1"
    recipe = write_recipe(tmp_path / "p", FILES.format(name=name), **{"a.txt": "hello\n"})
    # the same registry by its own name: a mirror's repositories are not those of what it stands for
    recipe.write_text(
        recipe.read_text().replace('python: "3.12"', f"base: {hub.host}/library/python:3.12-slim")
    )
    done = user.build(recipe, "--push")
    assert not any(user.blob(layer["digest"]).exists() for layer in base["layers"])
    assert (done["pushed"]["mounted"], done["pushed"]["uploaded"]) == (3, 3)
    user.check_clean()
    assert user.inside(name, "cat", "a.txt").out == "hello\n"
    assert all(user.blob(layer["digest"]).exists() for layer in base["layers"])


@pytest.mark.net
@pytest.mark.docker
@pytest.mark.slow
def test_docker_runs_it(user: Home, docker_host: str, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "p", PYTHON, **{"a.txt": "hello\n"})
    user.with_(SLIPWAY_DOCKER_HOST=docker_host).build(recipe, "--load")
    docker = ["docker", "--host", docker_host, "run", "--rm", "--network", "none", "tool:latest"]
    done = run([*docker, "python", "-c", "import requests, markupsafe; print(requests.__name__)"])
    assert done.out == "requests\n"


def test_an_unchanged_build_asks_nobody(own: Home, tmp_path: Path) -> None:
    """Neither after garbage was collected, nor with an empty store; and for each platform the right base is chosen."""
    home = own.with_(**LOCAL)
    text = "base: scratch\nplatforms: [linux/amd64, linux/arm64]\nfiles: [a.txt]\ncmd: [x]\nworkspace: /srv\n"
    below = write_recipe(tmp_path / "below", text, **{"a.txt": "below\n"})
    with running(tmp_path / "registry") as registry:
        name = f"{registry.host}/team/base:1"
        home.build(below, "--tag", name, "--push")
        fresh = Home(tmp_path / "fresh", home.extra)
        text = f"tag: x\nbase: {name}\nplatforms: [linux/amd64, linux/arm64]\nfiles: [a.txt]\n"
        recipe = write_recipe(tmp_path / "above", text, **{"a.txt": "above\n"})
        first = fresh.build(recipe)
    children = fresh.json_blob(first["image"]["digest"])["manifests"]
    assert len(children) == 2
    for child in children:
        config = fresh.json_blob(fresh.json_blob(child["digest"])["config"]["digest"])
        assert config["architecture"] == child["platform"]["architecture"]
        assert len(config["rootfs"]["diff_ids"]) == 4

    probe = replace(fresh, command=(sys.executable, "-c", PROBE))
    done = probe.slipway("build", recipe, "--json")
    assert done.last["image"] == first["image"]
    assert not done.last["changed"]
    assert done.err.splitlines()[-1] == "loaded: none"
    fresh.slipway("store", "gc")
    assert fresh.build(recipe)["image"] == first["image"]
    shutil.rmtree(fresh.store)
    assert fresh.build(recipe)["image"] == first["image"]
    error = fresh.with_(SLIPWAY_OFFLINE="true").refuse(4, "build", recipe, "--refresh")
    assert error["where"]["line"] == 2
    assert "SLIPWAY_MAX_AGE" in error["hint"]


def test_platforms_that_the_base_lacks(own: Home, tmp_path: Path) -> None:
    home = own.with_(**LOCAL)
    below = write_recipe(
        tmp_path / "below", "base: scratch\nplatforms: [linux/arm64]\nfiles: [a.txt]\n", **{"a.txt": ""}
    )
    with running(tmp_path / "registry") as registry:
        name = f"{registry.host}/team/base:1"
        home.build(below, "--tag", name, "--push")
        recipe = write_recipe(tmp_path / "above", f"tag: x\nbase: {name}\nplatform: linux/amd64\n")
        error = home.refuse(2, "build", recipe)
        assert error["where"]["line"] == 2
        assert "linux/arm64" in error["hint"]
        recipe = write_recipe(tmp_path / "above", f"tag: x\nbase: {registry.host}/team/none:1\n")
        error = home.refuse(4, "build", recipe)
        assert "team/none:1" in error["brief"]
