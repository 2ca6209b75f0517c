"""A plan names exactly the layers that change, says why, and the build does just that."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.kit import write_recipe
from tests.e2e.toys import toy_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.archive import Archive
    from tests.e2e.kit import Home

pytestmark = [pytest.mark.net, pytest.mark.slow]

RECIPE = """\
tag: planned
base: {debian: trixie, packages: [python3]}
apt: [APT]
packages:
  - requests==VERSION
  - rich
files: [note.txt]
env: {COLOUR: green}
"""
LAYERS = ("debian trixie", "apt", "python", "workspace", "installation")  # the last has the recipe in it


class Project:
    """A recipe of which one thing at a time is changed."""

    def __init__(self, home: Home, root: Path) -> None:
        self.home = home
        self.root = root
        self.apt, self.version, self.note, self.more = "tree", "2.32.3", "one\n", ""
        self.write()
        self.build()

    def write(self, **changes: str) -> None:
        for name, value in changes.items():
            assert hasattr(self, name)
            setattr(self, name, value)
        text = RECIPE.replace("APT", self.apt).replace("VERSION", self.version) + self.more
        self.recipe = write_recipe(self.root, text, **{"note.txt": self.note})

    def plan(self) -> dict[str, tuple[str, str, list[str]]]:
        return {a["layer"]: (a["kind"], a["reason"], a["changes"]) for a in self.home.plan(self.recipe)}

    def build(self) -> dict[str, Any]:
        self.result = self.home.build(self.recipe)
        return self.result

    def must_change(self, layer: str, reason: str, *also: str) -> None:
        """Only `layer` changes (and `also`), in the plan and in the build that follows; everything else keeps its digest."""
        changes = {layer, *also}
        before = {item["name"]: item["digest"] for item in self.result["layers"]}
        image = self.result["image"]["digest"]
        plan = self.plan()
        assert {name: kind for name, (kind, _, _) in plan.items()} == {
            name: "assemble" if name in changes else "reuse" for name in LAYERS
        }
        assert plan[layer][1] == reason
        assert all(plan[name][1:] == ("unchanged", []) for name in LAYERS if name not in changes)
        kept = self.home.slipway("image", "inspect", "planned", "--json").last["image"]
        assert kept["Digest"] == image, "a plan changes nothing"
        result = self.build()
        assert {item["name"]: item["action"] for item in result["layers"]} == {
            n: k for n, (k, _, _) in plan.items()
        }
        after = {item["name"]: item["digest"] for item in result["layers"]}
        assert {name for name in LAYERS if before[name] != after[name]} == changes
        assert result["changed"]
        self.must_not_change()

    def must_not_change(self) -> None:
        assert self.plan() == {name: ("reuse", "unchanged", []) for name in LAYERS}
        before = self.result
        result = self.build()
        assert not result["changed"]
        assert result["image"] == before["image"]


@pytest.fixture
def project(home: Home, tmp_path: Path) -> Project:
    return Project(home, tmp_path)


def test_nothing_changed(project: Project) -> None:
    project.must_not_change()


def test_one_version_changed(project: Project) -> None:
    project.write(version="2.32.4")
    project.must_change("python", "requests 2.32.3 → 2.32.4", "installation")


def test_one_file_changed(project: Project) -> None:
    project.write(note="two\n")
    before = project.plan()["workspace"][1]
    assert before.startswith("note.txt ")
    project.must_change("workspace", before)


def test_a_file_touched_but_not_changed(project: Project) -> None:
    (project.root / "note.txt").touch()
    project.must_not_change()


def test_one_os_package_more(project: Project) -> None:
    project.write(apt="tree, less")
    reason = project.plan()["apt"][1]
    assert reason.startswith("+ less ")
    project.must_change("apt", reason, "installation")


def test_back_to_an_earlier_state(project: Project) -> None:
    project.write(version="2.32.4")
    project.build()
    project.write(version="2.32.3")
    kind, reason, changes = project.plan()["python"]
    assert kind == "reuse"
    assert reason == "in the store from an earlier build"
    assert changes == ["requests 2.32.4 → 2.32.3"]
    assert project.build()["changed"]


def test_a_layer_less(project: Project) -> None:
    project.more = ""
    text = project.recipe.read_text().replace("apt: [tree]\n", "")
    recipe = write_recipe(project.root, text, **{"note.txt": project.note})
    actions = {a["layer"]: a for a in project.home.plan(recipe)}
    assert actions["apt"]["kind"] == "drop"
    assert actions["python"]["kind"] == "reuse"
    result = project.home.build(recipe)
    assert "apt" not in {item["name"] for item in result["layers"]}


def test_settings_change_no_layer_but_the_recipe(project: Project) -> None:
    before = project.result
    project.more = "cmd: [tree, /etc]\n"
    project.write()
    after = project.build()
    assert after["changed"]
    assert [item["action"] for item in after["layers"]] == ["reuse"] * 4 + ["assemble"]
    assert [d["digest"] for d in before["layers"][:4]] == [d["digest"] for d in after["layers"][:4]]


def test_everything_anew_gives_the_same(project: Project) -> None:
    plan = project.home.plan(project.recipe, "--no-cache")
    assert {a["kind"] for a in plan} == {"assemble"}
    assert {a["reason"] for a in plan} == {"asked to use no cache"}
    again = project.home.build(project.recipe, "--no-cache")
    assert {item["action"] for item in again["layers"]} == {"assemble"}
    assert again["image"] == project.result["image"]


def test_a_plan_before_the_first_build(own: Home, tmp_path: Path) -> None:
    """It says what would be downloaded, and leaves no image and no package behind."""
    recipe = write_recipe(tmp_path, "tag: x\nbase: {debian: trixie, variant: essential}\n")
    (plan,) = own.slipway("build", recipe, "--dry-run", "--json").last["plans"]
    assert plan["downloads"] > 20
    assert plan["download_size"] > 10_000_000
    assert {a["reason"] for a in plan["actions"]} == {"first build"}
    assert own.slipway("image", "ls", "--json").last["images"] == []
    assert not (own.cache / "downloads").exists()
    own.check_clean()


def test_what_is_in_no_layer_to_be_made_is_not_downloaded(
    archive: Archive, own: Home, tmp_path: Path
) -> None:
    home, recipe = toy_project(archive, own, tmp_path)
    home.build(recipe)
    shutil.rmtree(home.cache / "downloads")
    shutil.rmtree(home.cache / "fragments")
    with recipe.open("a") as file:
        file.write("cmd: [ls]\n")
    (plan,) = home.slipway("build", recipe, "--dry-run", "--json").last["plans"]
    assert (plan["downloads"], {a["kind"] for a in plan["actions"]}) == (
        0,
        {"reuse", "assemble", "configure"},
    )
    home.build(recipe)
    assert not (home.cache / "downloads").exists()
