from __future__ import annotations

from dataclasses import replace

from slipway.lock.diff import counts, differences
from slipway.lock.fit import misfits
from slipway.lock.held import held, row_key
from slipway.lock.model import LockedBase
from tests.lock.making import DEBIAN, RECIPE, TARGET, deb, debian, dist, image_lock, lock, resolution


def told(before, after):
    return [(c.kind, c.name, c.before, c.after) for c in differences(before, after)]


def test_nothing():
    assert differences(lock(), lock()) == ()
    assert counts(lock()) == {
        "platforms": ["linux/amd64"],
        "debs": 3,
        "wheels": 2,
        "files": 2,
        "repositories": 1,
    }


def test_every_kind():
    (one,) = lock().platforms
    other = dist(
        "old", url="https://x.example.org/get/8", filename="old-1.0.tar.gz", sdist=True, sha256="f" * 64
    )
    after = lock(
        debian=debian(deb("bash", "2.0", sha256="9" * 64), apt=DEBIAN.apt),
        python=resolution(other, dist("new", "3")),
        target=replace(TARGET, version="3.13.6"),
        files=(replace(one.files[0], mode=0o644), one.files[1]),
        repositories=(replace(one.repositories[0], commit="2" * 40),),
    )
    after = replace(
        after, recipe=RECIPE | {"packages": ["new"], "user": "1"}, epoch=None, compression="zstd-1"
    )
    assert told(lock(), after) == [
        ("recipe", "packages", "set", "set"),
        ("recipe", "user", "", "set"),
        ("lock", "SOURCE_DATE_EPOCH", "1600000000", ""),
        ("lock", "compression", "isal-1-1", "zstd-1"),
        ("deb", "bash", "1.0-1", "2.0"),
        ("deb", "openssl", "3.5.1-1+deb13u1", ""),
        ("python", "python", "3.13.5", "3.13.6"),
        ("wheel", "demo", "1.0", ""),
        ("wheel", "new", "", "3"),
        ("wheel", "old", f"1.0 ({'b' * 12})", f"1.0 ({'f' * 12})"),
        ("file", "a b", f"{'c' * 12} (0755 {'c' * 7})", f"{'c' * 12} (0644 {'c' * 7})"),
        ("git", "src", "1" * 12, "2" * 12),
    ]


def test_a_base_image():
    (one,) = image_lock().platforms
    after = replace(
        image_lock(), platforms=(replace(one, base=LockedBase("python:3.12", "sha256:" + "f" * 64)),)
    )
    assert told(image_lock(), after) == [("base", "python:3.12", "e" * 12, "f" * 12)]
    assert told(None, after) == [("base", "python:3.12", "", "f" * 12)]


def test_what_does_not_fit():
    assert misfits(lock(), RECIPE, ["linux/amd64"]) == []
    assert misfits(lock(), RECIPE | {"env": ["A=b"]}, ["linux/amd64"]) == ["`env` changed in the recipe"]
    changed = {k: v for k, v in RECIPE.items() if k not in ("packages", "files")}
    assert misfits(lock(), changed, ["linux/arm64"]) == [
        "`files` and `packages` changed in the recipe",
        "it is for linux/amd64, not for linux/arm64",
    ]
    for lacking in (
        {"debian": None},
        {"python": None},
        {"files": ()},
        {"repositories": ()},
        {"base": LockedBase("x", "y")},
    ):
        assert misfits(lock(**lacking), RECIPE, ["linux/amd64"]) == ["it has no inputs for linux/amd64"]


def test_what_is_held():
    (one,) = lock().platforms
    same = held(lock(), RECIPE, "linux/amd64")
    assert (same.debian, same.python, same.target) == (one.debian, one.python, one.target)
    assert held(lock(), RECIPE, "linux/arm64").debian is None
    packages = held(lock(), RECIPE | {"packages": ["other"]}, "linux/amd64")
    assert (packages.debian, packages.python, packages.dists) == (one.debian, None, one.python)
    apt = held(lock(), RECIPE | {"apt": ["git"]}, "linux/amd64")
    assert (apt.debian, apt.python) == (None, one.python)
    assert apt.versions == {"bash": "1.0-1", "openssl": "3.5.1-1+deb13u1", "git": "1:2.47.3-0"}
    none = held(lock(), {k: v for k, v in RECIPE.items() if k != "packages"}, "linux/amd64")
    assert none.debian is None  # no interpreter is added to the base any more
    suite = held(lock(), RECIPE | {"base": {"debian": "sid", "variant": "minbase"}}, "linux/amd64")
    assert (suite.debian, suite.versions) == (None, {})
    assert held(image_lock(), image_lock().recipe, "linux/arm64").base == "sha256:" + "e" * 64
    other = {"base": {"image": "python:3.13"}, "workspace": "/w"}
    assert held(image_lock(), other, "linux/arm64").base == ""


def test_repositories_are_held_while_they_are_asked_for_as_before():
    (tree,) = RECIPE["repositories"]
    (row,) = lock().platforms[0].repositories
    assert list(held(lock(), RECIPE, "linux/amd64").repositories.values()) == [row]
    for now in (tree, tree | {"dest": "elsewhere"}):
        assert held(lock(), RECIPE, "linux/amd64").repositories[row_key(now)] == row
    for now in (tree | {"commit": "v2"}, tree | {"submodules": True}):
        assert row_key(now) not in held(lock(), RECIPE, "linux/amd64").repositories
