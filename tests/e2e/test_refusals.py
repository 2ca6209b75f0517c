"""What cannot be built: each with its exit status, one clear error, and nothing half-written."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.archive import recipe_for, toy
from tests.e2e.conftest import need, need_root
from tests.e2e.kit import Home, example, layer_files, run, write_recipe
from tests.inputs import server as faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.archive import Archive

WRONG = """\
tag: 12 34
pakages: [requests]
base: {debian: trixie, flavour: tasty}
packages: requests
files:
  - ../x: image.yaml
env: [A]
"""


# -- the recipe -----------------------------------------------------------------------------------------------------


def test_every_problem_of_a_recipe_at_once(own: Home, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, WRONG)
    error = own.refuse(2, "build", recipe)
    assert error["code"] == "recipe"
    found = {p["line"]: p for p in error["problems"]}
    assert set(found) >= {2, 3, 4, 6, 7}
    assert "packages" in found[2]["hint"]
    assert all(p["column"] > 0 and p["message"] for p in error["problems"])
    assert not own.store.exists()
    said = own.slipway("build", recipe, status=2).err
    assert f"{recipe}:2:1" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pakages: [a]\n", "pakages"),
        ("packages: 7\n", "packages"),
        ("tag: [a]\n", "tag"),
        ("files:\n  - ../x: image.yaml\nbase: scratch\n", "../x"),
        ("files:\n  - a/../../x: image.yaml\nbase: scratch\n", "a/../../x"),
        ("files:\n  - /etc/../x: image.yaml\nbase: scratch\n", "/etc/../x"),
        ("tag: a\ntag: b\n", "tag"),
        ("a: b: c\n", "mapping"),
        ("", None),
        ("platforms: [linux/vax]\nbase: scratch\n", "vax"),
    ],
)
def test_one_problem(own: Home, tmp_path: Path, text: str, words: str | None) -> None:
    recipe = write_recipe(tmp_path, text)
    if words is None:
        own.slipway("recipe", "check", recipe)
        return
    error = own.refuse(2, "build", recipe)
    told = str(error)
    assert words in told
    where = error.get("where") or error["problems"][0]
    assert where["line"] >= 1
    assert where["file"].endswith("image.yaml")


def test_no_such_recipe(own: Home, tmp_path: Path) -> None:
    error = own.refuse(2, "build", tmp_path / "nowhere.yaml")
    assert error["where"]["file"].endswith("nowhere.yaml")
    assert "No such file" in error["brief"]


def test_no_such_file(own: Home, tmp_path: Path) -> None:
    error = own.refuse(4, "build", write_recipe(tmp_path, "base: scratch\nfiles:\n  - none.txt\n"))
    assert "none.txt" in error["brief"]
    assert error["where"]["line"] == 3


def test_what_this_release_cannot_do(own: Home, tmp_path: Path) -> None:
    error = own.refuse(8, "build", write_recipe(tmp_path, "base: python:3.12-slim\napt: [jq]\n"))
    assert "`apt`" in error["brief"]
    assert "base: {debian: SUITE}" in error["hint"]


# -- the archive ----------------------------------------------------------------------------------------------------


@pytest.fixture
def at(archive: Archive, own: Home) -> Home:
    return archive.used_by(own)


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    return lambda *names: write_recipe(tmp_path / "project", recipe_for(*names))


def test_the_small_archive_builds(archive: Archive, at: Home, project: Callable[..., Path]) -> None:
    """What is refused below is refused for what is wrong with it."""
    toy(archive, "ball")
    archive.publish()
    result = at.build(project("ball"))
    assert next(layer_files(at, result, "usr/share/ball")) == b"hello\n"
    at.check_clean()


def test_no_such_package(archive: Archive, at: Home, project: Callable[..., Path]) -> None:
    toy(archive, "ball")
    archive.publish()
    error = at.refuse(3, "build", project("bal"))
    assert "bal" in error["brief"]
    assert "ball" in error["hint"]


def test_no_such_version(archive: Archive, at: Home, project: Callable[..., Path]) -> None:
    archive.add("ball", "1.0")
    archive.publish()
    error = at.refuse(3, "build", project("ball=0"))
    assert "ball" in error["brief"]
    assert "1.0" in str(error)


def test_what_cannot_be_together(archive: Archive, at: Home, project: Callable[..., Path]) -> None:
    archive.add("cat", depends="milk (>= 2)")
    archive.add("milk", "1.0")
    archive.add("dog", conflicts="ball")
    archive.add("ball", "1.0")
    archive.publish()
    error = at.refuse(3, "build", project("cat"))
    assert {"cat", "milk"} <= set(re.findall(r"\w+", str(error)))
    error = at.refuse(3, "build", project("dog", "ball"))
    assert {"dog", "ball"} <= set(re.findall(r"\w+", str(error)))


@pytest.mark.net
def test_an_impossible_version_in_the_real_archive(home: Home, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "base: {debian: trixie, packages: [python3-minimal=0]}\n")
    error = home.slipway("build", recipe, "--json", status=3).last
    assert "python3-minimal" in error["brief"]
    assert "3.13" in str(error), "the version that there is helps"


@pytest.mark.net
def test_no_such_python_package(home: Home, tmp_path: Path) -> None:
    text = "base: {debian: trixie, packages: [python3]}\npackages:\n  - requests\n  - NAME\n"
    recipe = write_recipe(tmp_path, text.replace("NAME", "slipway-has-no-such-package"))
    error = home.slipway("build", recipe, "--json", status=3).last
    assert "slipway-has-no-such-package" in error["brief"]
    recipe = write_recipe(tmp_path, text.replace("requests", "requests==2.32.3").replace("NAME", "urllib3<1"))
    error = home.slipway("build", recipe, "--json", status=3).last
    assert "urllib3" in str(error)
    assert "requests" in str(error)


@pytest.mark.slow
def test_an_unreachable_mirror(own: Home, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "base: {debian: trixie}\n")
    error = own.with_(SLIPWAY_MIRROR="http://127.0.0.1:1/debian").refuse(4, "build", recipe, timeout=60)
    assert error["code"] == "fetch"
    assert "127.0.0.1:1" in error["brief"]
    assert error["hint"]


def test_a_mirror_without_the_suite(archive: Archive, at: Home, project: Callable[..., Path]) -> None:
    error = at.refuse(4, "build", project("ball"))
    assert error["code"] == "fetch"
    assert "InRelease" in error["brief"]


def _tamper(archive: Archive, suffix: str, change: Callable[[bytes], bytes]) -> None:
    (path,) = [p for p in archive.server.resources if p.endswith(suffix)]
    resource = archive.server.resources[path]
    resource.data = change(resource.data)


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        ("/toys/InRelease", lambda data: data.replace(b"Version: 1", b"Version: 2")),
        ("/toys/InRelease", lambda data: data[: data.index(b"-----BEGIN PGP SIGNATURE")]),
        ("/toys/InRelease", lambda data: b"Suite: toys\n" + data),
        ("/toys/InRelease", lambda data: b"<html>log in first</html>"),
        ("/toys/main/binary-amd64/Packages.xz", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        ("/toys/main/binary-amd64/Packages.xz", lambda data: data[:-4]),
        ("/ball_1.0_amd64.deb", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        ("/ball_1.0_amd64.deb", lambda data: data + b"more"),
        ("/ball_1.0_amd64.deb", lambda data: data[:-1]),
    ],
    ids=[
        "text",
        "unsigned",
        "around",
        "portal",
        "index",
        "index-cut",
        "package",
        "package-longer",
        "package-cut",
    ],
)
def test_tampered(
    archive: Archive, at: Home, project: Callable[..., Path], suffix: str, change: Callable[[bytes], bytes]
) -> None:
    toy(archive, "ball")
    archive.publish()
    _tamper(archive, suffix, change)
    error = at.refuse(4, "build", project("ball"))
    assert error["code"] == "verify"
    assert suffix.rpartition("/")[2].split("_")[0] in str(error)


def test_an_unknown_key(archive: Archive, at: Home, project: Callable[..., Path]) -> None:
    archive.signed_by = "stranger"
    archive.publish()
    error = at.refuse(4, "build", project("rock"))
    assert error["code"] == "verify"
    assert "signature" in error["brief"]


def test_after_the_mirror_is_mended_the_same_build_works(
    archive: Archive, at: Home, project: Callable[..., Path]
) -> None:
    path = toy(archive, "ball")
    archive.publish()
    good = archive.server.resources[path].data
    archive.server.resources[path].data = good[:-10] + b"0123456789"
    at.refuse(4, "build", project("ball"))
    archive.server.resources[path].data = good
    at.build(project("ball"))


@pytest.mark.slow
def test_a_mirror_that_stumbles(archive: Archive, at: Home, project: Callable[..., Path]) -> None:
    path = toy(archive, "ball", b"x" * 100_000)
    archive.publish()
    archive.server.resources[path].faults += [faults.status(503), faults.cut(100)]
    at.build(project("ball"))
    at.check_clean()


def test_a_file_of_the_web(archive: Archive, at: Home, tmp_path: Path) -> None:
    good = archive.server.add("/a.txt", b"content")
    place = archive.server.url("/a.txt")
    recipe = write_recipe(
        tmp_path, f"tag: web\nbase: scratch\nfiles:\n  - a.txt: {place}\n  - b.txt: {place}.none\n"
    )
    error = at.refuse(4, "build", recipe)
    assert "a.txt.none" in error["brief"]
    recipe.write_text(f"tag: web\nbase: scratch\nfiles:\n  - a.txt: {place}\n")
    assert next(layer_files(at, at.build(recipe), "pyats/a.txt")) == good.data


# -- the machine ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    need_root()
    place = tmp_path / "small"
    place.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", place], status=None)
    if mounted.status:
        pytest.skip(f"cannot mount: {mounted.err.strip()}")
    yield place
    run(["umount", place])


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize("full", ["SLIPWAY_STORE", "SLIPWAY_CACHE"])
def test_a_full_disk(
    home: Home, built: Callable[[str], dict[str, Any]], small_disk: Path, tmp_path: Path, full: str
) -> None:
    built("hello")
    other = {"SLIPWAY_STORE": tmp_path / "store", "SLIPWAY_CACHE": home.cache}
    if full == "SLIPWAY_CACHE":
        # what was resolved is small; what was downloaded has to be read from the mirror again, and does not fit
        shutil.copytree(home.cache / "resolved", small_disk / "resolved")
    places = {name: str(place) for name, place in (other | {full: small_disk}).items()}
    poor = Home(tmp_path / "poor", places)
    error = poor.slipway("build", example("hello"), "--json", status=6).last
    assert error["code"] == "store"
    assert "no space left" in error["brief"]
    assert str(small_disk) in str(error)
    assert "slipway store gc" in error["hint"]
    poor.check_clean()
    assert poor.slipway("image", "ls", "--json").last["images"] == []


def test_a_store_that_cannot_be_written(plain_home: Home, tmp_path: Path) -> None:
    recipe = write_recipe(plain_home.root / "recipe", "base: scratch\nfiles: [image.yaml]\n")
    error = plain_home.with_(SLIPWAY_STORE="/etc/slipway-store").slipway(
        "build", recipe, "--json", cwd=plain_home.root, status=6
    )
    assert "/etc/slipway-store" in error.last["brief"]


def test_a_damaged_store(own: Home, tmp_path: Path) -> None:
    result = own.build(write_recipe(tmp_path, "tag: x\nbase: scratch\nfiles: [image.yaml]\n"))
    blob = own.blob(result["layers"][0]["digest"])
    content = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(content[:-1] + b"!")
    error = own.slipway("store", "check", "--json", status=6).last
    assert hashlib.sha256(content).hexdigest() in error["details"]
    blob.unlink()
    assert own.slipway("store", "check", "--json", status=6).last["details"]
    own.build(tmp_path / "image.yaml")
    own.check_clean()


@pytest.mark.net
def test_without_a_network(built: Callable[[str], dict[str, Any]], home: Home, own: Home) -> None:
    """What is known already is enough; what is not says what it needs."""
    need("unshare")
    isolated = ("unshare", "--user", "--map-root-user", "--net")
    tried = run([*isolated, "true"], status=None)
    if tried.status:
        pytest.skip(f"cannot make a network namespace: {tried.err.strip()}")
    built("hello")
    alone = Home(home.root, home.extra, (*isolated, *home.command))
    assert alone.build(example("hello"))["image"] == built("hello")["image"]
    assert "Hello" in alone.slipway("run", "hello").out
    empty = Home(own.root, own.extra, (*isolated, *own.command))
    error = empty.refuse(4, "build", example("hello"), timeout=60)
    assert error["code"] == "fetch"
    assert error["hint"]


def test_a_reader_that_goes_away(own: Home, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "tag: x\nbase: scratch\nfiles: [image.yaml]\n")
    process = own.start("build", recipe, "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(20) in (0, 141)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert isinstance(process, subprocess.Popen)
    own.check_clean()
