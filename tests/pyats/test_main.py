"""`pyats-image-build`: the flags of the pyATS Image Builder, each of which does what it says."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kit import Home, write_recipe
from tests.registry.real import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.registry.real import RealRegistry

COMMAND = (sys.executable, "-c", "from slipway.pyats.main import main; main()")
RECIPE = "tag: fromrecipe:1\nbase: scratch\nfiles: [a.txt]\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    # no daemon: what Docker does with images is tested elsewhere
    return Home(tmp_path / "home", {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}, COMMAND)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_recipe(tmp_path / "recipe", RECIPE, **{"a.txt": "hello\n"})


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RealRegistry]:
    with running(tmp_path / "registry") as found:
        yield found


def names(home: Home) -> list[str]:
    index = json.loads((home.store / "index.json").read_text())
    return [d["annotations"]["org.opencontainers.image.ref.name"] for d in index["manifests"]]


def test_the_tag_of_the_recipe_and_the_one_given(home: Home, recipe: Path) -> None:
    assert home.slipway(recipe).out == "fromrecipe:1\n"
    assert home.slipway(recipe, "--tag", "given:2").out == "given:2\n"
    assert home.slipway(recipe, "-t", "given:3").out == "given:3\n"
    assert names(home) == ["fromrecipe:1", "given:2", "given:3"]


def test_dry_run_builds_nothing(home: Home, recipe: Path) -> None:
    assert "assemble" in home.slipway(recipe, "-n").out
    assert not (home.store / "index.json").exists()


def test_keep_context_keeps_what_goes_into_the_image(home: Home, recipe: Path, tmp_path: Path) -> None:
    place = tmp_path / "context"
    home.slipway(recipe, "-k", "-p", place)
    (kept,) = place.rglob("a.txt")
    assert kept.read_text() == "hello\n"


def test_a_context_is_removed_unless_it_was_there(home: Home, recipe: Path, tmp_path: Path) -> None:
    place, own = tmp_path / "new", tmp_path / "own"
    own.mkdir()
    home.slipway(recipe, "--path", place)
    home.slipway(recipe, "--path", own)
    assert not place.exists()
    assert list(own.rglob("a.txt"))


def test_no_cache_makes_layers_anew(home: Home, recipe: Path) -> None:
    home.slipway(recipe)
    assert "layer workspace" not in home.slipway(recipe).err
    assert "layer workspace" in home.slipway(recipe, "-c").err


def test_verbose_says_more(home: Home, recipe: Path) -> None:
    quiet, loud = home.slipway(recipe, "-c").err, home.slipway(recipe, "-c", "-v").err
    assert len(loud) >= len(quiet)


def test_push(home: Home, recipe: Path, registry: RealRegistry) -> None:
    name = f"{registry.host}/team/app:1"
    home.slipway(recipe, "-t", name, "-P")
    home.slipway("--version", status=2)  # not a flag of theirs
    assert home.with_().slipway(recipe, "-t", name, "--push").out == f"{name}\n"


def test_push_without_a_tag_is_refused_before_anything_is_built(home: Home, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "untagged", "base: scratch\n")
    done = home.slipway(recipe, "-P", status=2)
    assert "needs a name" in done.err
    assert not (home.store / "index.json").exists()


def test_errors_are_lines_and_not_traces(home: Home, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "bad", "nonsense: 1\n")
    done = home.slipway(recipe, status=2)
    assert "image.yaml:1:1" in done.err
    assert "Traceback" not in done.err
    assert home.slipway(tmp_path / "none.yaml", status=2).err
    assert "Usage: pyats-image-build" in home.slipway(status=2).err


def test_a_recipe_whose_name_looks_like_an_option(home: Home, recipe: Path) -> None:
    odd = recipe.with_name("-v.yaml")
    odd.write_text(RECIPE)
    assert home.slipway("--", odd.name, cwd=odd.parent).out == "fromrecipe:1\n"
