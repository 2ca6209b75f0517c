"""What others read in our images: skopeo, and Python's own tarfile and hashlib."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import need
from tests.e2e.kit import Home, example, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.kit import Done

pytestmark = [pytest.mark.net, pytest.mark.slow]

NAMES = ("hello", "files-only", "netops", "two-platforms", "notebook")


def skopeo(*argv: str, cwd: Path | None = None) -> Done:
    need("skopeo")
    return run(["skopeo", *argv], cwd=cwd)


@pytest.fixture(scope="module")
def written(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `out`, the layout that `--output` wrote, and `hello.tar`."""
    place = tmp_path_factory.mktemp("outputs")
    home.build(example("hello"), "--output", "oci:out", "--output", "docker-archive:hello.tar", cwd=place)
    home.build(example("two-platforms"), "--output", "oci:out", cwd=place)
    return place


def test_a_written_layout(written: Path, built: Callable[[str], dict[str, Any]]) -> None:
    seen = json.loads(skopeo("inspect", "oci:out:hello:latest", cwd=written).out)
    result = built("hello")
    assert seen["Digest"] == result["image"]["digest"]
    assert seen["Layers"] == [layer["digest"] for layer in result["layers"]]
    assert seen["Labels"]["pyats"] == "slipway"
    assert "GREETING=Hello from an image that no daemon built" in seen["Env"]
    config = json.loads(skopeo("inspect", "--config", "oci:out:hello:latest", cwd=written).out)
    assert config["config"]["Cmd"] == ["python", "app/hello.py"]
    assert config["config"]["WorkingDir"] == "/pyats"
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == len(result["layers"])


def test_the_files_of_a_layout_are_what_they_are_called(written: Path) -> None:
    assert json.loads((written / "out/oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    for blob in (written / "out/blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name


@pytest.mark.parametrize("target", ["dir:copied", "docker-archive:copied.tar:a/b:1", "oci:copied-layout:x"])
def test_skopeo_copies_it_elsewhere(written: Path, tmp_path: Path, target: str) -> None:
    skopeo("copy", f"oci:{written}/out:hello:latest", target, cwd=tmp_path)
    seen = json.loads(skopeo("inspect", "--config", target, cwd=tmp_path).out)
    before = json.loads(skopeo("inspect", "--config", f"oci:{written}/out:hello:latest").out)
    assert seen["rootfs"] == before["rootfs"]


def test_an_archive_for_docker(written: Path, tmp_path: Path, built: Callable[[str], dict[str, Any]]) -> None:
    config = json.loads(
        skopeo("inspect", "--config", "docker-archive:hello.tar:hello:latest", cwd=written).out
    )
    here = json.loads(skopeo("inspect", "--config", "oci:out:hello:latest", cwd=written).out)
    assert config == here
    skopeo("copy", f"docker-archive:{written}/hello.tar", "oci:back:latest", cwd=tmp_path)
    with tarfile.open(written / "hello.tar") as archive:
        (listed,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert listed["RepoTags"] == ["hello:latest"]
    assert len(listed["Layers"]) == len(built("hello")["layers"])


def test_the_store_is_a_layout_that_skopeo_reads(
    home: Home, built: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    result = built("netops")
    seen = json.loads(skopeo("inspect", f"oci:{home.store}:netops:latest").out)
    assert seen["Digest"] == result["image"]["digest"]
    skopeo("copy", f"oci:{home.store}:netops:latest", f"dir:{tmp_path}/netops")


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_skopeo_finds_each_platform(written: Path, arch: str, tmp_path: Path) -> None:
    seen = json.loads(
        skopeo("--override-arch", arch, "inspect", "oci:out:two-platforms:latest", cwd=written).out
    )
    assert seen["Architecture"] == arch
    skopeo("copy", "--all", f"oci:{written}/out:two-platforms:latest", f"oci:{tmp_path}/all:x")
    again = json.loads(skopeo("--override-arch", arch, "inspect", f"oci:{tmp_path}/all:x").out)
    assert again["Layers"] == seen["Layers"]


# -- the bytes -----------------------------------------------------------------------------------------------------


def manifests(home: Home, descriptor: dict[str, Any]) -> Iterator[dict[str, Any]]:
    document = home.json_blob(descriptor["digest"])
    for child in document.get("manifests", ()):
        yield from manifests(home, child)
    if "layers" in document:
        yield document


@pytest.mark.parametrize("name", NAMES)
def test_digests_and_entries(home: Home, built: Callable[[str], dict[str, Any]], name: str) -> None:
    for manifest in manifests(home, built(name)["image"]):
        config = home.json_blob(manifest["config"]["digest"])
        below: dict[str, str] = {}
        for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
            packed = home.blob(layer["digest"]).read_bytes()
            assert len(packed) == layer["size"]
            assert f"sha256:{hashlib.sha256(packed).hexdigest()}" == layer["digest"]
            # (the module's `decompress` copies the rest of the data for every member)
            plain = gzip.GzipFile(fileobj=io.BytesIO(packed)).read()
            assert f"sha256:{hashlib.sha256(plain).hexdigest()}" == diff_id
            assert plain.endswith(bytes(1024))
            below |= check_layer(plain, below)


def check_layer(plain: bytes, below: dict[str, str]) -> dict[str, str]:
    """Kind by path; asserts what engines rely on and what makes layers small and steady."""
    kinds: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
        for entry in archive:
            path = entry.name
            assert path
            assert path not in kinds, f"{path} is there twice"
            assert not path.startswith(("/", "./"))
            assert ".." not in path.split("/")
            assert "." not in path.split("/")
            parent = path.rpartition("/")[0]
            assert not parent or kinds.get(parent, below.get(parent)) == "dir", (
                f"{path} comes before its directory"
            )
            assert entry.uname == entry.gname == "", path
            if entry.islnk():
                assert kinds.get(entry.linkname) == "file", (
                    f"{path} is a link to {entry.linkname}, which is not above"
                )
            kind = "dir" if entry.isdir() else "file" if entry.isfile() else "other"
            if below.get(path) == "dir":
                assert kind == "dir", f"{path} replaces a directory"
            kinds[path] = kind
            assert 315_532_800 <= entry.mtime < 4_102_444_800, f"{path}: {entry.mtime}"
    return kinds
