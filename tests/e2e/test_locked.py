"""Locks: the same inputs again, whatever mirrors, indexes and servers have in the meantime."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from slipway.lock.kept import FIELD, lock_of
from tests.distro.debkit import folder, member
from tests.e2e.archive import recipe_for, toy
from tests.e2e.kit import Home, layer, manifest_of, packages_in, write_recipe
from tests.python.conftest import WheelMaker
from tests.registry.real import running

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.e2e.archive import Archive

pytestmark = pytest.mark.slow

CANARY = "canary-6f1d"


class Net:
    """A Debian archive with a Python that is a claim, and a simple index (PEP 503), whose contents grow."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self.archive = archive
        self.server = archive.server
        self._folder = folder
        self._pages: dict[str, str] = {}
        folder.mkdir()
        archive.add("python3-minimal", "3.13.5-1", depends="python3.13-minimal")
        archive.add("python3.13-minimal", "3.13.5-2", members=_python())
        archive.add("libc6", "2.41-12")
        toy(archive, "ball")
        archive.publish()
        self.wheel("pip", "1.0")
        self.wheel("demo", "1.0")
        self.server.requests.clear()

    def wheel(self, name: str, version: str, requires: str = "") -> None:
        made = WheelMaker(
            self._folder,
            name,
            version,
            files={f"{name}/__init__.py": version.encode()},
            metadata=f"Requires-Dist: {requires}\n" if requires else "",
        )
        made.write()
        data = (self._folder / made.filename).read_bytes()
        self.server.add(f"/files/{made.filename}", data)
        said = dict(made.members())[f"{made.info}/METADATA"]
        self.server.add(f"/files/{made.filename}.metadata", said)
        link = (
            f'<a href="/files/{made.filename}#sha256={hashlib.sha256(data).hexdigest()}" '
            f'data-core-metadata="sha256={hashlib.sha256(said).hexdigest()}">{made.filename}</a>'
        )
        self._pages[name] = self._pages.get(name, "<!DOCTYPE html>") + link
        self.server.add(f"/simple/{name}/", self._pages[name].encode(), headers={"Content-Type": "text/html"})

    def home(self, root: Path, **extra: str) -> Home:
        return self.archive.used_by(Home(root)).with_(
            SLIPWAY_PYTHON_INDEX=self.server.url("/simple/"),
            SLIPWAY_MAX_AGE="0",
            PIP_CONFIG_FILE="/dev/null",
            PIP_FIND_LINKS="",
            **extra,
        )

    def asked(self) -> list[str]:
        """What was asked for since this was called last."""
        paths = [path for path, _ in self.server.requests]
        self.server.requests.clear()
        return paths


def _python() -> Sequence[Any]:
    return [folder("./usr"), folder("./usr/bin"), member("./usr/bin/python3.13", b"")]


@pytest.fixture
def net(archive: Archive, tmp_path: Path) -> Net:
    return Net(archive, tmp_path / "wheels")


@pytest.fixture
def at(net: Net, tmp_path: Path) -> Home:
    return net.home(tmp_path / "own")


def project(tmp_path: Path, more: str = "", packages: str = "demo") -> Path:
    text = (
        recipe_for("python3-minimal", "libc6") + f"apt: [ball]\npackages: [{packages}]\nfiles: [note]\n{more}"
    )
    return write_recipe(tmp_path / "project", text, note="one\n")


def wheels_in(home: Home, image: str = "toy") -> dict[str, str]:
    found = home.slipway("image", "inspect", image, "--json").last["image"]
    return {name: version for x in found["Layers"] for kind, name, version in x["parts"] if kind == "pypi"}


def changes(done: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(c["kind"], c["name"], c["before"], c["after"]) for c in done["changes"]]


# -- what the lock is for -------------------------------------------------------------------------------------------


def test_a_newer_wheel_appears(net: Net, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path)
    at.slipway("lock", recipe)
    first = at.build(recipe, "--locked")
    net.wheel("demo", "2.0")

    assert at.build(recipe, "--locked")["image"] == first["image"]
    assert wheels_in(at) == {"demo": "1.0", "pip": "1.0"}
    assert at.slipway("lock", recipe, "--json").last["changes"] == []

    assert at.build(recipe)["image"] != first["image"]
    assert wheels_in(at)["demo"] == "2.0"

    said = at.slipway("lock", recipe, "--upgrade")
    assert "demo  1.0 → 2.0" in said.out
    assert at.build(recipe, "--locked")["image"] != first["image"]
    assert wheels_in(at)["demo"] == "2.0"
    at.check_clean()


def test_a_newer_deb_appears(net: Net, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path)
    at.slipway("lock", recipe)
    newer = net.archive.add("ball", "1.1")
    net.archive.publish()
    assert "ball=1.0" in packages_in(at, at.build(recipe, "--locked"))
    assert "ball=1.1" in packages_in(at, at.build(recipe))
    upgraded = at.slipway("lock", recipe, "--upgrade", "--json").last
    assert changes(upgraded) == [("deb", "ball", "1.0", "1.1")]
    del net.server.resources[newer]
    error = net.home(tmp_path / "late").refuse(4, "build", recipe, "--locked")
    assert "ball_1.1" in error["brief"]
    assert "404" in error["brief"]


def test_what_did_not_change_stays(net: Net, at: Home, tmp_path: Path) -> None:
    """A package is added to the recipe: the others keep their versions, though newer ones are there."""
    at.slipway("lock", project(tmp_path))
    net.wheel("demo", "2.0")
    net.wheel("extra", "1.0", requires="demo")
    net.archive.add("ball", "1.1")
    net.archive.add("stick", "1.0")
    net.archive.publish()

    recipe = project(tmp_path, packages="demo, extra")
    assert changes(at.slipway("lock", recipe, "--json").last) == [
        ("recipe", "packages", "set", "set"),
        ("wheel", "extra", "", "1.0"),
    ]
    recipe.write_text(recipe.read_text().replace("apt: [ball]", "apt: [ball, stick]"))
    assert changes(at.slipway("lock", recipe, "--json").last) == [
        ("recipe", "apt", "set", "set"),
        ("deb", "stick", "", "1.0"),
    ]
    # what cannot stay does not
    recipe.write_text(recipe.read_text().replace("demo, extra", "demo>=2, extra"))
    assert ("wheel", "demo", "1.0", "2.0") in changes(at.slipway("lock", recipe, "--json").last)


# -- the same bytes -------------------------------------------------------------------------------------------------


def test_the_same_manifest_everywhere(net: Net, at: Home, tmp_path: Path) -> None:
    """Resolved, locked, locked elsewhere with an empty cache: one manifest; and the lock in it is the one on disk."""
    recipe = project(tmp_path)
    resolved = at.build(recipe)
    at.slipway("lock", recipe)
    assert at.build(recipe, "--locked")["image"] == resolved["image"]
    net.wheel("demo", "2.0")
    net.asked()
    elsewhere = net.home(tmp_path / "elsewhere", TZ="Pacific/Kiritimati", SLIPWAY_WORKERS="1")
    assert elsewhere.build(recipe, "--locked", cwd=tmp_path)["image"] == resolved["image"]
    # nothing was resolved
    assert {path.split("/")[1] for path in net.asked()} == {"debian", "files"}
    assert not [path for path in net.asked() if "/dists/" in path]

    config = at.json_blob(manifest_of(at, resolved)["config"]["digest"])
    lock = lock_of(config)
    assert lock is not None
    (only,) = lock.platforms
    assert only.debian is not None
    assert only.python is not None
    assert {d.name for d in only.debian.debs} == {
        "ball",
        "libc6",
        "python3-minimal",
        "python3.13-minimal",
        "rock",
    }
    assert [(d.name, d.version, d.url) for d in only.python.dists] == [
        ("demo", "1.0", net.server.url("/files/demo-1.0-py3-none-any.whl")),
        ("pip", "1.0", net.server.url("/files/pip-1.0-py3-none-any.whl")),
    ]
    assert str(tmp_path) not in json.dumps(config)
    assert at.slipway("image", "inspect", "toy", "--json").last["image"]["Lock"] is True


def test_an_archive_that_is_only_signed_anew(net: Net, at: Home, tmp_path: Path) -> None:
    """The image stays the same while no package changes."""
    recipe = project(tmp_path)
    first = at.build(recipe)
    net.archive.stanzas = [s + "Priority: extra\n" for s in net.archive.stanzas]
    net.archive.publish()
    assert at.build(recipe, "--refresh")["image"] == first["image"]


def test_each_platform_carries_its_own(own: Home, tmp_path: Path) -> None:
    text = "base: scratch\nplatforms: [linux/amd64, linux/arm64]\nfiles: [note]\n"
    recipe = write_recipe(tmp_path / "project", text, note="one\n")
    own.slipway("lock", recipe)
    both = own.build(recipe, "--locked")
    alone = own.build(recipe, "--locked", "--platform", "linux/arm64")
    children = own.json_blob(both["image"]["digest"])["manifests"]
    assert [c["digest"] for c in children][1] == alone["image"]["digest"]
    for arch in ("amd64", "arm64"):
        config = own.json_blob(manifest_of(own, both, arch)["config"]["digest"])
        assert [p["platform"] for p in config[FIELD]["platforms"]] == [f"linux/{arch}"]
    recipe.write_text(text.replace(", linux/arm64", ""))
    own.build(recipe, "--locked")
    assert "also for linux/arm64" in own.refuse(9, "lock", recipe, "--check")["brief"]


def test_the_date_is_that_of_the_lock(net: Net, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path)
    dated = at.with_(SOURCE_DATE_EPOCH="1500000000")
    dated.slipway("lock", recipe)
    one = at.build(recipe, "--locked")
    assert dated.build(recipe, "--locked")["image"] == one["image"]
    assert dated.build(recipe)["image"] == one["image"]
    inspected = at.slipway("image", "inspect", "toy", "--json").last["image"]
    assert inspected["Created"].startswith("2017-07-14")
    error = at.with_(SOURCE_DATE_EPOCH="1600000000").refuse(9, "build", recipe, "--locked")
    assert "1600000000" in error["brief"]
    # kept without the variable, until everything is made anew
    assert at.slipway("lock", recipe, "--json").last["changes"] == []
    assert changes(at.slipway("lock", recipe, "--upgrade", "--json").last) == [
        ("lock", "SOURCE_DATE_EPOCH", "1500000000", "")
    ]


# -- offline --------------------------------------------------------------------------------------------------------


def test_offline(net: Net, at: Home, tmp_path: Path) -> None:
    data = net.server.add("/data.txt", b"from the web")
    recipe = project(tmp_path)
    recipe.write_text(recipe.read_text().replace("[note]", f"[note, '{net.server.url('/data.txt')}']"))
    at.slipway("lock", recipe)
    net.asked()

    empty = net.home(tmp_path / "empty")
    error = empty.refuse(4, "build", recipe, "--offline")
    # five .debs, two wheels, one file: all of them at once, before anything is asked or made
    assert "8 downloads are missing" in error["brief"]
    assert error["details"].splitlines()[:5] == [
        "libc6",
        "python3-minimal",
        "python3.13-minimal",
        "rock",
        "ball",
    ]
    assert net.asked() == []
    assert not (empty.store / "layers").exists()

    built = at.build(recipe, "--locked")
    net.asked()
    data.data = b"another"
    again = Home(tmp_path / "again", at.extra | {"SLIPWAY_CACHE": str(at.cache)})
    assert again.build(recipe, "--offline")["image"] == built["image"]
    assert net.asked() == []
    # one download is lost, and nothing that was made of it is left
    (downloads := at.cache / "downloads").joinpath(*_place(b"from the web")).unlink()
    for made in ("fragments", "settled"):
        (at.cache / made).rename(tmp_path / made)
    assert len(list(downloads.rglob("*"))) > 7
    error = Home(tmp_path / "third", at.extra | {"SLIPWAY_CACHE": str(at.cache)}).refuse(
        4, "build", recipe, "--offline"
    )
    assert error["brief"].startswith("1 download is missing")
    assert "data.txt" in error["details"]


def _place(data: bytes) -> tuple[str, str]:
    name = hashlib.sha256(data).hexdigest()
    return name[:2], name


def test_a_base_image_whose_tag_moves(own: Home, tmp_path: Path) -> None:
    home = own.with_(
        no_proxy="127.0.0.1", NO_PROXY="127.0.0.1", DOCKER_CONFIG="/nonexistent", SLIPWAY_MAX_AGE="0"
    )
    below = write_recipe(tmp_path / "below", "base: scratch\nfiles: [note]\ncmd: [x]\n", note="one\n")
    with running(tmp_path / "registry") as registry:
        name = f"{registry.host}/team/base:1"
        old = home.build(below, "--tag", name, "--push")["image"]["digest"]
        recipe = write_recipe(tmp_path / "above", f"tag: above\nbase: {name}\nfiles: [note]\n", note="x\n")
        home.slipway("lock", recipe)
        (below.parent / "note").write_text("two\n")
        new = home.build(below, "--tag", name, "--push")["image"]["digest"]

        fresh = Home(tmp_path / "fresh", home.extra)
        error = fresh.refuse(4, "build", recipe, "--offline")
        assert error["details"] == f"base image {name}"

        def base_of(built: dict[str, Any]) -> str:
            annotations = fresh.json_blob(built["image"]["digest"])["annotations"]
            return str(annotations["org.opencontainers.image.base.digest"])

        locked = fresh.build(recipe, "--locked")
        assert base_of(locked) == old
        assert base_of(fresh.build(recipe)) == new
        assert fresh.slipway("lock", recipe, "--json").last["changes"] == []
        assert changes(fresh.slipway("lock", recipe, "--upgrade", "--json").last) == [
            ("base", name, old[7:19], new[7:19])
        ]
        assert base_of(fresh.build(recipe, "--locked")) == new
    assert base_of(fresh.build(recipe, "--offline")) == new


def test_a_base_image_on_disk_that_changed(own: Home, tmp_path: Path) -> None:
    below = write_recipe(tmp_path / "below", "base: scratch\nfiles: [note]\ncmd: [x]\n", note="one\n")
    recipe = write_recipe(tmp_path / "above", "tag: above\nbase: oci:../out\nfiles: [note]\n", note="x\n")
    own.build(below, "--output", f"oci:{tmp_path / 'out'}:base")
    own.slipway("lock", recipe)
    built = own.build(recipe, "--locked")
    own.slipway("lock", recipe, "--check")
    config = own.json_blob(manifest_of(own, built)["config"]["digest"])
    assert config[FIELD]["recipe"]["base"] == {"oci": "../out"}
    assert str(tmp_path) not in json.dumps(config)
    (below.parent / "note").write_text("two\n")
    own.build(below, "--output", f"oci:{tmp_path / 'out'}:base")
    own.refuse(9, "build", recipe, "--locked")
    own.refuse(9, "lock", recipe, "--check")
    assert [c[:2] for c in changes(own.slipway("lock", recipe, "--json").last)] == [("base", "oci:../out")]
    assert own.build(recipe, "--locked")["image"] != built["image"]


# -- what does not fit ----------------------------------------------------------------------------------------------


def test_a_lock_that_does_not_fit(net: Net, at: Home, tmp_path: Path) -> None:
    recipe = project(tmp_path, "env: {A: b}\n")
    before = recipe.read_text()
    error = at.refuse(9, "build", recipe, "--locked")
    assert "there is no image.lock.yaml" in error["brief"]
    assert "slipway lock" in error["hint"]
    at.refuse(9, "lock", recipe, "--check")
    at.slipway("lock", recipe)
    at.slipway("lock", recipe, "--check")
    net.asked()

    recipe.write_text(before.replace("A: b", "A: c").replace("[demo]", "[demo>=1]"))
    for argv in (
        ("build", recipe, "--locked"),
        ("build", recipe, "--locked", "-n"),
        ("lock", recipe, "--check"),
    ):
        error = at.refuse(9, *argv)
        assert "`env` and `packages` changed" in error["brief"]
        assert "slipway lock" in error["hint"]
    recipe.write_text("# only a comment\n" + before.replace("tag: toy", "tag: other"))
    at.slipway("lock", recipe, "--check")

    (recipe.parent / "note").write_text("two\n")
    for argv in (("build", recipe, "--locked"), ("lock", recipe, "--check")):
        assert "note" in at.refuse(9, *argv)["brief"]
    assert net.asked() == []
    assert changes(at.slipway("lock", recipe, "--json").last) == [
        ("file", "note", hashlib.sha256(b"one\n").hexdigest()[:12], hashlib.sha256(b"two\n").hexdigest()[:12])
    ]
    assert "linux/arm64" in at.refuse(9, "build", recipe, "--locked", "--platform", "linux/arm64")["brief"]

    done = at.with_(SLIPWAY_COMPRESSION="zstd").slipway("build", recipe, "--locked")
    assert "the same content and other bytes" in done.err


def test_a_web_file_that_changed(net: Net, at: Home, tmp_path: Path) -> None:
    data = net.server.add("/data.txt", b"one")
    recipe = write_recipe(
        tmp_path / "project", f"tag: toy\nbase: scratch\nfiles: ['{net.server.url('/data.txt')}']\n"
    )
    at.slipway("lock", recipe)
    built = at.build(recipe, "--locked")
    data.data = b"two"
    assert at.build(recipe, "--locked")["image"] == built["image"]
    assert at.slipway("lock", recipe, "--json").last["changes"] == []
    error = net.home(tmp_path / "late").refuse(4, "build", recipe, "--locked")
    assert error["code"] == "verify"
    assert "--upgrade" in error["hint"]
    (change,) = changes(at.slipway("lock", recipe, "--upgrade", "--json").last)
    assert change[:2] == ("file", "data.txt")
    assert layer(net.home(tmp_path / "later").build(recipe, "--locked"), "workspace")


# -- secrets --------------------------------------------------------------------------------------------------------


def test_no_secret_is_kept(net: Net, at: Home, tmp_path: Path) -> None:
    net.server.add(f"/data.txt?token={CANARY}", b"secret place")
    login = f"http://user:{CANARY}@"
    text = (
        recipe_for("python3-minimal", "libc6")
        + f"packages: [demo]\nfiles: ['{net.server.url('/data.txt')}?token={CANARY}']\n"
        + f"pip-config: |\n  [global]\n  extra-index-url = {login}index.example.org/simple\n"
    )
    recipe = write_recipe(tmp_path / "project", text)
    place = at.with_(
        SLIPWAY_MIRROR=net.server.url("/debian").replace("http://", login),
        SLIPWAY_PYTHON_INDEX=net.server.url("/simple/").replace("http://", login),
    )
    said = place.slipway("lock", recipe, "--json")
    built = place.build(recipe, "--locked")
    assert place.build(recipe)["image"] == built["image"]
    kept = [p for p in recipe.parent.iterdir() if p != recipe]
    assert len(kept) == 2
    blobs = [p for p in (place.store / "blobs" / "sha256").iterdir() if p.stat().st_size < 1 << 20]
    assert len(blobs) >= 5
    for path in (*kept, *blobs):
        assert CANARY.encode() not in path.read_bytes(), path
    assert CANARY not in said.out + said.err
    assert yaml.safe_load(kept[0].read_text() if kept[0].suffix == ".yaml" else kept[1].read_text())


def test_other_tools_read_the_pylock_file(net: Net, at: Home, tmp_path: Path) -> None:
    import tomllib

    from packaging.pylock import Pylock

    recipe = project(tmp_path)
    at.slipway("lock", recipe)
    pylock = Pylock.from_dict(tomllib.loads((recipe.parent / "pylock.image.toml").read_text()))
    assert [p.name for p in pylock.packages] == ["demo", "pip"]
