"""What other programs make of the images that we push."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from slipway.events import Reporter
from slipway.images.load import load
from slipway.oci.reader import manifests, read_image
from slipway.registry.pull import pull
from slipway.registry.push import push
from slipway.registry.reference import parse
from tests.images.making import Maker, member
from tests.registry.kit import contents

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.oci.store import Descriptor
    from tests.registry.real import RealRegistry


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture(scope="session")
def skopeo() -> str:
    if shutil.which("skopeo") is None and os.geteuid() == 0:
        subprocess.run(
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "skopeo"],
            capture_output=True,
            check=False,
        )
    return shutil.which("skopeo") or pytest.skip("skopeo is not installed, and cannot be")


def published(maker: Maker, registry: RealRegistry, name: str) -> Descriptor:
    layers = [maker.layer(member("hello", b"hello\n")), maker.layer(member("etc/x", name.encode()))]
    one, two = (maker.image(*layers, platform=f"linux/{a}", Cmd=["/hello"]) for a in ("amd64", "arm64"))
    index = maker.index([("linux/amd64", one), ("linux/arm64", two)])
    push(maker.store, index, parse(f"{registry.host}/{name}"), maker.settings, Reporter())
    return index


@pytest.mark.docker
def test_docker_pulls_it(docker_host: str, registry: RealRegistry, maker: Maker) -> None:
    import docker

    index = published(maker, registry, "readers/docker:1")
    api = docker.APIClient(base_url=docker_host, version="auto")
    try:
        for line in api.pull(f"{registry.host}/readers/docker", "1", stream=True, decode=True):
            assert "error" not in line, line
        there = api.inspect_image(f"{registry.host}/readers/docker:1")
    finally:
        api.close()
    first = read_image(maker.store, manifests(maker.store, index)[0])
    assert there["Id"] == first.config_blob.digest
    assert there["RepoDigests"] == [f"{registry.host}/readers/docker@{index.digest}"]
    assert there["RootFS"]["Layers"] == [layer.diff_id for layer in first.layers]


@pytest.mark.docker
def test_an_image_whose_layers_are_away_is_loaded(
    docker_host: str, registry: RealRegistry, maker: Maker
) -> None:
    published(maker, registry, "readers/lean:1")
    other = Maker(maker.root / "other")
    reference = parse(f"{registry.host}/readers/lean:1")
    lean = pull(reference, "linux/amd64", other.store, other.settings, Reporter(), blobs=False)
    settings = other.settings.with_(docker_host=docker_host)
    config = read_image(other.store, lean).config_blob.digest
    assert load(other.store, lean, "lean:1", settings, Reporter()) == config


def test_skopeo_copies_it_there_and_back(skopeo: str, registry: RealRegistry, maker: Maker) -> None:
    index = published(maker, registry, "readers/skopeo:1")
    source = f"docker://{registry.host}/readers/skopeo:1"
    told = subprocess.run(
        [skopeo, "inspect", "--tls-verify=false", "--raw", source], capture_output=True, check=True
    )
    assert told.stdout == maker.store.read(index.digest)
    copied = f"docker://{registry.host}/readers/copied:1"
    subprocess.run(
        [
            *(skopeo, "--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests"),
            *("--src-tls-verify=false", "--dest-tls-verify=false", source, copied),
        ],
        check=True,
    )
    other = Maker(maker.root / "other")
    back = pull(parse(f"{registry.host}/readers/copied:1"), None, other.store, other.settings, Reporter())
    assert contents(other.store, back) == contents(maker.store, index)


def test_what_skopeo_pushes_can_be_pulled(skopeo: str, registry: RealRegistry, maker: Maker) -> None:
    index = published(maker, registry, "readers/v2:1")
    converted = f"{registry.host}/readers/v2s2:1"
    subprocess.run(
        [
            *(skopeo, "--insecure-policy", "--override-os=linux", "--override-arch=arm64", "copy", "--quiet"),
            *("--format=v2s2", "--src-tls-verify=false", "--dest-tls-verify=false"),
            *(f"docker://{registry.host}/readers/v2:1", f"docker://{converted}"),
        ],
        check=True,
    )
    got = pull(parse(converted), "linux/arm64", maker.store, maker.settings, Reporter())
    assert got.media_type == "application/vnd.docker.distribution.manifest.v2+json"
    assert json.loads(maker.store.read(got.digest))["mediaType"] == got.media_type
    assert got.digest != index.digest
    assert read_image(maker.store, got).platform.startswith("linux/arm64")
