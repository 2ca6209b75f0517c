from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import FetchError


@pytest.fixture
def recipe(home: Path) -> Path:
    (home / "note").write_text("one\n")
    path = home / "image.yaml"
    path.write_text("tag: toy\nbase: scratch\nplatforms: [linux/amd64]\nfiles: [note]\n")
    return path


def test_first_unchanged_changed(call, recipe):
    done = call("lock", str(recipe))
    assert (done.status, done.err) == (0, "")
    assert done.out == f"{recipe.parent}/image.lock.yaml: 1 file for linux/amd64\n"
    assert "unchanged" in call("lock", str(recipe)).out
    (recipe.parent / "note").write_text("two\n")
    recipe.write_text(recipe.read_text() + "env: {A: b}\n")
    lines = call("lock", str(recipe)).out.splitlines()
    assert lines[0].endswith("image.lock.yaml: 2 changes, now 1 file for linux/amd64")
    assert lines[1].split() == ["recipe", "env", "new"]
    assert lines[2].split()[:2] == ["file", "note"]
    assert "→" in lines[2]


def test_for_programs(call, recipe):
    (result,) = call("lock", str(recipe), "--json").lines
    assert result["new"]
    assert result["changed"]
    assert result["files"] == [f"{recipe.parent}/image.lock.yaml"]
    (change,) = result["changes"]
    assert (change["platform"], change["kind"], change["name"], change["before"]) == (
        "linux/amd64",
        "file",
        "note",
        "",
    )
    assert call("lock", str(recipe), "--json").lines[-1]["changes"] == []


def test_check(call, recipe):
    assert call("lock", str(recipe), "--check").status == 9
    assert not (recipe.parent / "image.lock.yaml").exists()
    call("lock", str(recipe))
    done = call("lock", str(recipe), "--check")
    assert (done.status, done.out) == (0, f"{recipe.parent}/image.lock.yaml fits {recipe}\n")
    before = (recipe.parent / "image.lock.yaml").read_bytes()
    (recipe.parent / "note").write_text("two\n")
    done = call("lock", str(recipe), "--check", "--json")
    assert done.status == 9
    assert done.lines[-1]["brief"] == "the lock does not fit: note changed"
    assert (recipe.parent / "image.lock.yaml").read_bytes() == before
    assert call("lock", str(recipe), "--check", "--upgrade").status == 2


def test_a_damaged_lock_is_written_anew(call, recipe):
    call("lock", str(recipe))
    lock = recipe.parent / "image.lock.yaml"
    before = lock.read_bytes()
    lock.write_text("<<<<<<< HEAD\n")
    assert call("build", str(recipe), "--locked").status == 9
    done = call("lock", str(recipe))
    assert "the lock is written anew" in done.err
    assert lock.read_bytes() == before


def test_nothing_is_written_when_resolving_fails(call, recipe, monkeypatch):
    call("lock", str(recipe))
    before = (recipe.parent / "image.lock.yaml").read_bytes()

    def fail(*_, **__):
        raise FetchError("no network")

    monkeypatch.setattr("slipway.lock.update.resolve", fail)
    assert call("lock", str(recipe), "--upgrade").status == 4
    assert (recipe.parent / "image.lock.yaml").read_bytes() == before


def test_build_from_it(call, recipe):
    call("lock", str(recipe))
    locked = call("build", str(recipe), "--locked", "--json").lines[-1]
    plain = call("build", str(recipe), "--json").lines[-1]
    offline = call("build", str(recipe), "--offline", "--json").lines[-1]
    assert locked["image"] == plain["image"] == offline["image"]
    (plan,) = call("build", str(recipe), "--locked", "-n", "--json").lines[-1]["plans"]
    assert {a["kind"] for a in plan["actions"]} == {"reuse"}
