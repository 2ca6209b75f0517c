"""Every kind of target, and what goes wrong with each."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, InputError, SlipwayError, ToolError, UsageError
from slipway.events import Reporter
from slipway.oci import compress
from slipway.oci.archive import docker_archive
from slipway.oci.digest import of_bytes, of_file
from slipway.oci.layout import export_layout
from slipway.registry.push import push
from slipway.registry.reference import parse
from slipway.scan.inventory import archived, layerfacts, take
from slipway.scan.model import Inventory
from slipway.settings import Settings
from tests.images.making import Maker, folder, member, symlink, tar
from tests.registry.conftest import registry
from tests.scan.inventory.kit import STATUS, debian, dpkg, node, rows, stanza, wheel

if TYPE_CHECKING:
    from slipway.oci.store import Descriptor
    from tests.registry.real import RealRegistry

__all__ = ["registry"]

WANTED = ["deb bash 5.2", "pypi a 1.0"]


@pytest.fixture
def image(maker: Maker) -> Descriptor:
    base = maker.layer(debian(), dpkg(("bash", "5.2")), wheel("gone", "1"))
    top = maker.layer(wheel("a", "1.0"), member("venv/site/.wh.gone-1.dist-info"))
    return maker.image(base, top, tag="x:1", Labels={"a": "b"})


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    """Another store and cache than the image was made in."""
    return Settings(store=tmp_path / "other-store", cache=tmp_path / "other-cache")


def test_an_image_of_several_platforms(maker: Maker, image: Descriptor) -> None:
    arm = maker.image(maker.layer(dpkg(("arm", "1"))), platform="linux/arm64")
    maker.index([("linux/amd64", image), ("linux/arm64", arm)], tag="multi:1")
    assert rows(take("multi:1", maker.settings, Reporter(), platform="linux/arm64")) == ["deb arm 1"]
    with pytest.raises(UsageError, match="not there for linux/s390x"):
        take("multi:1", maker.settings, Reporter(), platform="linux/s390x")


def test_an_oci_layout(maker: Maker, image: Descriptor, fresh: Settings, tmp_path: Path) -> None:
    export_layout(maker.store, image, tmp_path / "layout", "x:1")
    found = take(f"oci:{tmp_path}/layout:x:1", fresh, Reporter())
    assert (rows(found), found.digest, found.labels) == (WANTED, image.digest, (("a", "b"),))
    assert replace(found, name="") == replace(take("x:1", maker.settings, Reporter()), name="")
    assert not fresh.store.exists()
    with pytest.raises(UsageError, match="no image 'y:1'"):
        take(f"oci:{tmp_path}/layout:y:1", fresh, Reporter())
    with pytest.raises(UsageError, match="not an OCI image layout"):
        take(f"oci:{tmp_path}", fresh, Reporter())


def test_an_oci_layout_that_is_damaged(
    maker: Maker, image: Descriptor, fresh: Settings, tmp_path: Path
) -> None:
    export_layout(maker.store, image, tmp_path / "layout", "x:1")
    blobs = tmp_path / "layout/blobs/sha256"
    layer = maker.store.read_json(image.digest)["layers"][1]["digest"].removeprefix("sha256:")
    (blobs / layer).unlink()  # a hard link to the store's
    with pytest.raises(InputError, match="lacks the blob"):
        take(f"oci:{tmp_path}/layout", fresh, Reporter())
    (blobs / layer).write_bytes(gzip.compress(tar([dpkg(("evil", "1"))])))
    with pytest.raises(InputError, match="damaged"):
        take(f"oci:{tmp_path}/layout", fresh, Reporter())


@pytest.mark.parametrize("compressed", [False, True])
def test_a_docker_archive(
    maker: Maker,
    image: Descriptor,
    fresh: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compressed: bool,
) -> None:
    data = b"".join(docker_archive(maker.store, image, ["x:1"]))
    path = tmp_path / "x.tar"
    path.write_bytes(gzip.compress(data) if compressed else data)
    found = take(f"docker-archive:{path}", fresh, Reporter())
    assert (rows(found), found.platform, found.labels) == (WANTED, "linux/amd64", (("a", "b"),))
    config = maker.store.read_json(image.digest)["config"]["digest"]
    assert found.digest == config
    monkeypatch.setattr(archived, "read_layer", None)  # the second time no layer is read
    assert take(f"docker-archive:{path}", fresh, Reporter()) == found


def test_an_archive_that_is_not_what_it_says(maker: Maker, fresh: Settings, tmp_path: Path) -> None:
    layer = tar([dpkg(("a", "1")), member("big", bytes(2000))])
    config = json.dumps({"rootfs": {"diff_ids": [of_bytes(b"another")]}}).encode()
    listing = json.dumps([{"Config": "c.json", "Layers": ["l.tar"]}]).encode()
    path = tmp_path / "x.tar"
    path.write_bytes(
        tar([member("c.json", config), member("l.tar", layer), member("manifest.json", listing)])
    )
    with pytest.raises(InputError, match="is not what the image's configuration says"):
        take(f"docker-archive:{path}", fresh, Reporter())
    path.write_bytes(path.read_bytes()[:2500])
    with pytest.raises(InputError):
        take(f"docker-archive:{path}", fresh, Reporter())
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"manifest\.json"):
        take(f"docker-archive:{path}", fresh, Reporter())
    with pytest.raises(InputError, match="cannot read"):
        take(f"docker-archive:{tmp_path}/none", fresh, Reporter())


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("part", [0.001, 0.3, 0.6, 0.75])
def test_an_archive_that_was_cut_off(
    maker: Maker, image: Descriptor, fresh: Settings, tmp_path: Path, part: float, compressed: bool
) -> None:
    data = b"".join(docker_archive(maker.store, image, ["x:1"]))
    data = gzip.compress(data, 1) if compressed else data
    path = tmp_path / "x.tar"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InputError, match=r"archive|gzip|manifest\.json"):
        take(f"docker-archive:{path}", fresh, Reporter())


def archive_of(layer: bytes) -> bytes:
    config = json.dumps({"rootfs": {"diff_ids": [of_bytes(layer)]}}).encode()
    listing = json.dumps([{"Config": "c.json", "Layers": ["l.tar"]}]).encode()
    return tar([member("c.json", config), member("manifest.json", listing), member("l.tar", layer)])


def test_an_archive_whose_layer_leaves_its_root(fresh: Settings, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(archive_of(tar([member("../../etc/passwd", b"x" * 2000)])))
    with pytest.raises(InputError, match="leaves its root"):
        take(f"docker-archive:{path}", fresh, Reporter())
    path.write_bytes(tar([member("../l.tar", b"x" * 2000)]))
    with pytest.raises(InputError, match="leaves its root"):
        take(f"docker-archive:{path}", fresh, Reporter())


def test_an_archive_that_unpacks_without_end(
    fresh: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bomb around the archive, and one that is a layer in it; both are refused long before their end."""
    monkeypatch.setattr(layerfacts, "_SLACK", 1 << 20)
    zeros = tar([dpkg(("a", "1")), member("zeros", bytes(64 << 20))])
    path = tmp_path / "x.tar"
    path.write_bytes(gzip.compress(archive_of(zeros), 9))
    with pytest.raises(InputError, match=r"x\.tar is refused: it unpacks to more than"):
        take(f"docker-archive:{path}", fresh, Reporter())
    for pack in (gzip.compress, compress.get("zstd").compress):
        path.write_bytes(archive_of(pack(zeros)))
        with pytest.raises(InputError, match=r"l\.tar in the archive is refused"):
            take(f"docker-archive:{path}", fresh, Reporter())


def write_tree(root: Path) -> None:
    for directory in ("etc", "var/lib/dpkg", "venv/site/a-1.0.dist-info", "app/node_modules/n"):
        (root / directory).mkdir(parents=True)
    (root / "usr/lib").mkdir(parents=True)
    (root / "usr/lib/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    (root / STATUS).write_text(stanza("bash", "5.2"))
    (root / "venv/site/a-1.0.dist-info/METADATA").write_text("Name: a\nVersion: 1.0\n")
    (root / "app/node_modules/n/package.json").write_text('{"name": "n", "version": "2.0.0"}')
    (root / "circle").symlink_to(".")
    (root / "outside").symlink_to("/")
    (root / ".wh.venv").write_text("no layer, so no whiteout")


def test_a_directory(tmp_path: Path, fresh: Settings) -> None:
    root = tmp_path / "root"
    write_tree(root)
    found = take(f"dir:{root}", fresh, Reporter())
    assert rows(found) == ["deb bash 5.2", "npm n 2.0.0", "pypi a 1.0"]
    assert (found.system.distro, found.digest, found.unread) == ("debian-12", "", ())
    with pytest.raises(UsageError, match="is not a directory"):
        take(f"dir:{root}/etc/os-release", fresh, Reporter())


def test_what_the_kernel_makes_up_is_left_out(
    tmp_path: Path, fresh: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("proc", "dev"):
        (tmp_path / "root" / name).mkdir(parents=True)
        (tmp_path / "root" / name / "x.egg-info").write_text(f"Name: {name}\nVersion: 1\n")
    monkeypatch.setattr("os.path.ismount", lambda path: path.endswith("/proc"))
    assert rows(take(f"dir:{tmp_path}/root", fresh, Reporter())) == ["pypi dev 1"]


def test_a_directory_with_odd_things_in_it(tmp_path: Path, fresh: Settings) -> None:
    root = tmp_path / "root"
    write_tree(root)
    os.mkfifo(root / "x.egg-info")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.egg-info")).write_text("Name: cafe\nVersion: 1\n")
    (root / "venv/site/b-1.dist-info").mkdir()
    (root / "venv/site/b-1.dist-info/METADATA").symlink_to("/etc/passwd")
    found = take(f"dir:{root}", fresh, Reporter())
    assert "pypi cafe 1" in rows(found)
    assert found.unread == ("x.egg-info: it is not a regular file",)


def test_a_directory_that_may_not_be_read(
    tmp_path: Path, fresh: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the refusal is made up."""
    root = tmp_path / "root"
    write_tree(root)
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("/venv"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refusing)
        found = take(f"dir:{root}", fresh, Reporter())
    assert rows(found) == ["deb bash 5.2", "npm n 2.0.0"]
    assert found.unread == ("venv: the directory cannot be read: Permission denied",)


@pytest.fixture(scope="session")
def squashfs_tools() -> None:
    if shutil.which("mksquashfs") and shutil.which("unsquashfs"):
        return
    if os.geteuid() == 0:
        subprocess.run(
            ["apt-get", "-qq", "install", "-y", "squashfs-tools"], capture_output=True, check=False
        )
    if not shutil.which("mksquashfs"):
        pytest.skip("squashfs-tools cannot be installed")


@pytest.mark.usefixtures("squashfs_tools")
def test_a_squashfs_image(tmp_path: Path, fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    root, path = tmp_path / "root", tmp_path / "root.squashfs"
    write_tree(root)
    odd = root / "a b/star* -> x/node_modules/m"
    odd.mkdir(parents=True)
    (odd / "package.json").write_text('{"name": "m", "version": "3.0.0"}')
    (root / "big").write_bytes(os.urandom(100_000))
    subprocess.run(["mksquashfs", root, path, "-quiet", "-no-progress"], check=True, capture_output=True)
    found = take(f"squashfs:{path}", fresh, Reporter())
    assert rows(found) == ["deb bash 5.2", "npm m 3.0.0", "npm n 2.0.0", "pypi a 1.0"]
    assert (found.system.distro, found.digest, found.unread) == ("debian-12", of_file(path), ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert take(f"squashfs:{path}", fresh, Reporter()) == found  # known by its digest
    with pytest.raises(ToolError, match="unsquashfs is not installed"):
        take(f"squashfs:{path}", replace(fresh, cache=tmp_path / "empty"), Reporter())


@pytest.mark.usefixtures("squashfs_tools")
def test_a_squashfs_image_that_is_damaged(tmp_path: Path, fresh: Settings) -> None:
    root, path = tmp_path / "root", tmp_path / "root.squashfs"
    write_tree(root)
    subprocess.run(["mksquashfs", root, path, "-quiet", "-no-progress"], check=True, capture_output=True)
    whole = path.read_bytes()
    for damage in (b"", b"not squashfs at all" * 100, whole[: len(whole) // 8]):
        path.write_bytes(damage)
        with pytest.raises(InputError, match="cannot be read"):
            take(f"squashfs:{path}", fresh, Reporter())
    with pytest.raises(UsageError, match="is not a file"):
        take(f"squashfs:{root}", fresh, Reporter())


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("dir:", UsageError),
        ("registry:", UsageError),
        ("registry:UPPER case", UsageError),
        ("./rootfs", UsageError),
        ("sha256:" + "0" * 64, UsageError),
        ("nowhere.invalid/x:1", FetchError),
    ],
)
def test_what_is_no_target(fresh: Settings, target: str, kind: type[SlipwayError]) -> None:
    with pytest.raises(kind):
        take(target, replace(fresh, offline=True), Reporter())


def test_an_image_in_a_registry(
    maker: Maker, image: Descriptor, fresh: Settings, registry: RealRegistry
) -> None:
    name = f"{registry.host}/inventory/x:1"
    push(maker.store, image, parse(name), maker.settings, Reporter())
    for target in (f"registry:{name}", name):
        found = take(target, fresh, Reporter())
        assert (rows(found), found.digest, found.name) == (WANTED, image.digest, name)
    # the second time, and for what else has these layers, none is brought
    shutil.rmtree(fresh.store)
    assert rows(take(name, fresh, Reporter())) == WANTED
    layers = [row["digest"].removeprefix("sha256:") for row in maker.store.read_json(image.digest)["layers"]]
    assert not [layer for layer in layers if (fresh.store / "blobs/sha256" / layer).exists()]
    with pytest.raises(FetchError, match="no image"):
        take(f"{registry.host}/inventory/none:1", fresh, Reporter())


@pytest.mark.docker
def test_an_image_of_a_docker_daemon(
    maker: Maker,
    image: Descriptor,
    fresh: Settings,
    docker_host: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loaded into a real daemon; read from it, and from what `docker save` writes."""
    archive, saved = tmp_path / "in.tar", tmp_path / "out.tar"
    archive.write_bytes(b"".join(docker_archive(maker.store, image, ["inventory-test:1"])))
    docker = ["docker", "--host", docker_host]
    subprocess.run([*docker, "load", "--input", archive], check=True, capture_output=True)
    subprocess.run([*docker, "save", "--output", saved, "inventory-test:1"], check=True, capture_output=True)
    here = replace(fresh, docker_host=docker_host)
    found = take("docker:inventory-test:1", here, Reporter())
    assert (rows(found), found.platform, found.labels) == (WANTED, "linux/amd64", (("a", "b"),))
    from_file = take(f"docker-archive:{saved}", replace(here, cache=tmp_path / "cold"), Reporter())
    assert from_file.components == found.components
    monkeypatch.setattr(archived, "read_archive", None)  # known layers are not sent
    again = take("docker:inventory-test:1", here, Reporter())
    assert again == replace(found, digest=again.digest)
    with pytest.raises(ToolError):
        take("docker:nothing-of-this-name:1", here, Reporter())
    subprocess.run([*docker, "rmi", "inventory-test:1"], check=True, capture_output=True)


def test_a_bill_of_materials(fresh: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to its own reader, which gets the path."""
    reader = ModuleType("slipway.scan.sbom.read")
    reader.read_sbom = lambda path: Inventory(path.name)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "slipway.scan.sbom", ModuleType("slipway.scan.sbom"))
    monkeypatch.setitem(sys.modules, "slipway.scan.sbom.read", reader)
    assert take(f"sbom:{tmp_path}/bom.json", fresh, Reporter()) == Inventory("bom.json")


def test_no_daemon(fresh: Settings, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no Docker daemon answers"):
        take("docker:x", replace(fresh, docker_host=f"unix://{tmp_path}/none"), Reporter())


def test_several_images_in_one_archive(tmp_path: Path, fresh: Settings) -> None:
    listing = json.dumps([{"Config": "c", "Layers": []}] * 2).encode()
    (tmp_path / "x.tar").write_bytes(tar([folder("d"), symlink("l", "d"), member("manifest.json", listing)]))
    with pytest.raises(InputError, match="one image"):
        take(f"docker-archive:{tmp_path}/x.tar", fresh, Reporter())


def test_node_packages_are_found_wherever_they_are(maker: Maker) -> None:
    maker.image(maker.layer(node("n", "1.0.0", "a/b/c"), node("m", "2.0.0", "usr/lib")), tag="n:1")
    assert rows(take("n:1", maker.settings, Reporter())) == ["npm m 2.0.0", "npm n 1.0.0"]
