"""`snapshot`: a second file, with places of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slipway.errors import RecipeError
from slipway.recipe import load

SNAPSHOT = """\
created: 2024-01-01
packages:
  - pyats==24.1
  - requests==2.32.3
repositories:
  ./tests:
    url: https://example.org/tests
    commit_id: 0123456
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_it_comes_before_the_recipe(tmp_path: Path):
    snapshot = write(tmp_path / "snap.yaml", SNAPSHOT)
    recipe = load(
        write(
            tmp_path / "image.yaml",
            "packages: [rich]\nsnapshot: snap.yaml\nrepositories: {own: {url: ../own}}\n",
        )
    )
    assert recipe.snapshot == SNAPSHOT
    assert [p.text for p in recipe.packages] == ["pyats==24.1", "requests==2.32.3", "rich"]
    assert [(r.dest, r.commit) for r in recipe.repositories] == [("tests", "0123456"), ("own", "")]
    assert str(recipe.packages[0].where) == f"{snapshot}:3:5"
    assert str(recipe.repositories[0].where) == f"{snapshot}:6:3"


def test_it_may_be_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recipe = write(tmp_path / "a/image.yaml", "snapshot: snap.yaml")
    write(tmp_path / "snap.yaml", "packages: [x]")
    monkeypatch.chdir(tmp_path)
    assert load(recipe).packages[0].text == "x"
    write(tmp_path / "a/snap.yaml", "packages: [y]")
    assert load(recipe).packages[0].text == "y"


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n", "created: x\n"])
def test_nothing_in_it(tmp_path: Path, text: str):
    write(tmp_path / "snap.yaml", text)
    recipe = load(write(tmp_path / "image.yaml", "snapshot: snap.yaml"))
    assert (recipe.packages, recipe.repositories, recipe.snapshot) == ((), (), text)


def test_problems_of_both_files_at_once(tmp_path: Path):
    """Defect of the pyATS Image Builder: snapshots were not validated."""
    snapshot = write(tmp_path / "snap.yaml", "packages: x\nrepositories:\n  a: {}\n  ../b: {url: x}\n")
    path = write(tmp_path / "image.yaml", "snapshot: snap.yaml\ntag: A\n")
    with pytest.raises(RecipeError) as caught:
        load(path)
    assert [(str(p.where), p.message) for p in caught.value.problems] == [
        (f"{path}:2:6", "tag: `A` is not an image name: `A` cannot be part of one"),
        (f"{snapshot}:1:11", "packages: must be a list of Python requirements, not text"),
        (f"{snapshot}:3:6", "repositories.a: `url` is missing"),
        (f"{snapshot}:4:3", "repositories: destination `../b` goes out of the workspace"),
    ]
    assert caught.value.problems[1].line_text == "packages: x"


def test_one_destination_in_both(tmp_path: Path):
    snapshot = write(tmp_path / "snap.yaml", SNAPSHOT)
    path = write(tmp_path / "image.yaml", "snapshot: snap.yaml\nrepositories: {tests: {url: x}}\n")
    with pytest.raises(RecipeError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert str(problem.where) == f"{path}:2:16"
    assert problem.message == (
        f"destination `tests` comes twice, first in `repositories` on line 6 of {snapshot}"
    )
    assert problem.line_text == "repositories: {tests: {url: x}}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "not valid YAML"),
        (b"\xff", "is not UTF-8 text: byte 1"),
        (b"[a]", "must be a mapping with the keys `packages` and `repositories`, not a list"),
        (b"packages: [~]", "packages: has no value; it takes a Python requirement"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "snap.yaml").write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        load(write(tmp_path / "image.yaml", "snapshot: snap.yaml"))


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "snap.yaml")
    with pytest.raises(RecipeError, match=r"`snap\.yaml` is not a file"):
        load(write(tmp_path / "image.yaml", "snapshot: snap.yaml"))


def test_an_endless_file_ends(tmp_path: Path):
    with (tmp_path / "snap.yaml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RecipeError, match="larger than 1 MiB"):
        load(write(tmp_path / "image.yaml", "snapshot: snap.yaml"))
