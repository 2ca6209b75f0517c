from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from slipway.errors import StoreError
from slipway.oci import compress
from slipway.oci.archive import docker_archive
from tests.images.making import Maker, member, tar


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def contents(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as read:
        names = read.getnames()
        assert len(names) == len(set(names))
        found = {}
        for info in read:
            file = read.extractfile(info)
            assert file is not None
            found[info.name] = file.read()
        return found


def test_the_archive_tells_names_config_and_layers(maker: Maker) -> None:
    layers = [maker.layer(member("a", b"x")), maker.layer(member("b", b"y"))]
    image = maker.image(*layers, Cmd=["/a"])
    files = contents(b"".join(docker_archive(maker.store, image, ["hello:1", "hello:latest"])))
    (row,) = json.loads(files["manifest.json"])
    assert row["RepoTags"] == ["hello:1", "hello:latest"]
    assert json.loads(files[row["Config"]])["config"] == {"Cmd": ["/a"]}
    for name, layer in zip(row["Layers"], layers, strict=True):
        assert files[name] == maker.store.path(layer.blob.digest).read_bytes()


def test_the_same_image_gives_the_same_bytes(maker: Maker) -> None:
    image = maker.image(maker.layer(member("a", b"x")))
    first, second = (b"".join(docker_archive(maker.store, image, ["x:1"])) for _ in range(2))
    assert first == second


def test_zstd_layers_are_unpacked(maker: Maker) -> None:
    plain = tar([member("a", b"x" * 100_000)])
    layer = maker.raw(plain, compress.get("zstd").compress(plain), suffix="+zstd")
    files = contents(b"".join(docker_archive(maker.store, maker.image(layer), ["x:1"])))
    (row,) = json.loads(files["manifest.json"])
    assert files[row["Layers"][0]] == plain


def test_a_layer_that_comes_twice_is_stored_once(maker: Maker) -> None:
    layer = maker.layer(member("a", b"x"))
    files = contents(b"".join(docker_archive(maker.store, maker.image(layer, layer), ["x:1"])))
    (row,) = json.loads(files["manifest.json"])
    assert len(row["Layers"]) == 2
    assert len(files) == 3


def test_a_missing_layer_is_a_clear_error(maker: Maker) -> None:
    layer = maker.layer(member("a", b"x"))
    image = maker.image(layer)
    maker.store.path(layer.blob.digest).unlink()
    with pytest.raises(StoreError, match="lacks"):
        b"".join(docker_archive(maker.store, image, []))


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
@pytest.mark.parametrize("kind", ["gzip", "members", "zstd"])
def test_skopeo_reads_the_archive(maker: Maker, tmp_path: Path, kind: str) -> None:
    plain = tar([member("a", b"x" * 100_000)])
    blob = {
        "gzip": gzip.compress(plain),
        "members": gzip.compress(plain[:512]) + gzip.compress(plain[512:]),
        "zstd": compress.get("zstd").compress(plain),
    }[kind]
    layer = maker.raw(plain, blob, suffix="+zstd" if kind == "zstd" else "+gzip")
    image = maker.image(layer)
    file = tmp_path / "image.tar"
    file.write_bytes(b"".join(docker_archive(maker.store, image, ["hello:1"])))
    source, target = f"docker-archive:{file}:hello:1", f"dir:{tmp_path}/copy"
    subprocess.run(["skopeo", "copy", "--quiet", source, target], check=True, capture_output=True)
    config = json.loads((tmp_path / "copy" / "manifest.json").read_bytes())["config"]["digest"]
    assert config == maker.store.read_json(image.digest)["config"]["digest"]
