from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors import LockError
from slipway.lock.files import lock_path, read_lock, write_lock
from slipway.lock.pylockfile import render
from tests.lock.making import PYTHON, TARGET, dist, image_lock, lock, resolution


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return tmp_path / "my.image.yaml"


def test_written_and_read(recipe):
    written = write_lock(recipe, lock())
    assert [p.name for p in written] == ["pylock.my-image.toml", "my.image.lock.yaml"]
    assert read_lock(recipe) == lock()
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in written}
    write_lock(recipe, lock())
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in written} == before
    # each distribution stands in one of them
    assert b"demo-1.0-py3" not in lock_path(recipe).read_bytes()


def test_several_platforms(recipe):
    write_lock(recipe, lock())
    (one,) = lock().platforms
    other = replace(one, platform="linux/arm64", target=replace(TARGET, arch="arm64"), python=None)
    python = resolution(dist("demo", "2.0"))
    other = replace(other, python=replace(python, pylock=render(python.dists, replace(TARGET, arch="arm64"))))
    both = replace(lock(), platforms=(one, other))
    names = [p.name for p in write_lock(recipe, both)]
    assert names == [
        "pylock.my-image-linux-amd64.toml",
        "pylock.my-image-linux-arm64.toml",
        "my.image.lock.yaml",
    ]
    assert read_lock(recipe) == both
    assert sorted(p.name for p in recipe.parent.iterdir()) == sorted(names)
    write_lock(recipe, image_lock())
    assert [p.name for p in recipe.parent.iterdir()] == ["my.image.lock.yaml"]


def test_a_change_is_a_line(recipe):
    write_lock(recipe, lock())
    before = (recipe.parent / "pylock.my-image.toml").read_text().splitlines()
    dists = (replace(PYTHON.dists[0], version="1.1"), PYTHON.dists[1])
    write_lock(recipe, lock(python=resolution(*dists)))
    after = (recipe.parent / "pylock.my-image.toml").read_text().splitlines()
    assert [b for b, a in zip(before, after, strict=True) if a != b] == ['version = "1.0"']


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("my.image.lock.yaml", b"<<<<<<< HEAD\nformat: 1\n=======\n", "not YAML in line"),
        ("my.image.lock.yaml", b"format: \xff\n", "not YAML"),
        ("my.image.lock.yaml", b"- 1\n", "not a mapping"),
        ("my.image.lock.yaml", b"format: 1\n", "damaged at"),
        (
            "my.image.lock.yaml",
            b"platforms: [{python: {pylock: ../../etc/x.toml}}]\n",
            "names no pylock file",
        ),
        ("my.image.lock.yaml", b"a: " + b"[" * 100_000, "nested too deep"),
        ("my.image.lock.yaml", b"a: 1\na: 2\n", "line 2: 'a'"),
        ("my.image.lock.yaml", b"a: &x [1]\nb: *x\n", "anchor"),
        ("my.image.lock.yaml", b"a: !!python/name:os.system 1\n", "tag"),
        ("my.image.lock.yaml", b"a: 1\n---\nb: 1\n", "several documents"),
        ("pylock.my-image.toml", b"lock-version = '1.0'\n", "not the file that the lock was written with"),
    ],
)
def test_damage(recipe, name, content, said):
    write_lock(recipe, lock())
    (recipe.parent / name).write_bytes(content)
    with pytest.raises(LockError) as caught:
        read_lock(recipe)
    assert said in caught.value.brief
    assert "slipway lock my.image.yaml" in caught.value.hint
    assert str(caught.value.where).endswith("my.image.lock.yaml")


def test_what_is_missing(recipe):
    with pytest.raises(LockError, match=r"there is no my\.image\.lock\.yaml"):
        read_lock(recipe)
    write_lock(recipe, lock())
    (recipe.parent / "pylock.my-image.toml").unlink()
    with pytest.raises(LockError, match=r"there is no pylock\.my-image\.toml"):
        read_lock(recipe)
