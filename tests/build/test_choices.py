"""What a build is for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.build.choices import check_engine, name_of, platforms_of
from slipway.build.model import Options
from slipway.errors import UsageError
from slipway.recipe import load
from slipway.recipe.model import Platform

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.recipe.model import Recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    path = tmp_path / "image.yaml"
    path.write_text("tag: hello\n")
    return load(path)


def test_the_callers_name_goes_before_the_recipes(recipe: Recipe) -> None:
    assert name_of(recipe, Options()) == "hello:latest"
    assert name_of(recipe, Options(tag="other:2")) == "other:2"
    assert name_of(replace(recipe, tag=""), Options()) == ""
    with pytest.raises(UsageError, match="cannot name an image"):
        name_of(recipe, Options(tag="No Name"))


def test_this_machines_platform_unless_others_are_named(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.oci.reader.this_machine", lambda: "linux/arm64")
    assert platforms_of(recipe) == (Platform("arm64"),)
    both = (Platform("amd64"), Platform("arm64"))
    assert platforms_of(replace(recipe, platforms=both)) == both
    monkeypatch.setattr("slipway.oci.reader.this_machine", lambda: "linux/s390x")
    with pytest.raises(UsageError, match="s390x"):
        platforms_of(recipe)


def test_other_engines_build_for_one_platform(recipe: Recipe) -> None:
    both = replace(recipe, platforms=(Platform("amd64"), Platform("arm64")))
    check_engine(both, Options())
    check_engine(replace(recipe, platforms=both.platforms[:1]), Options(engine="docker"))
    with pytest.raises(UsageError, match="one platform"):
        check_engine(both, Options(engine="docker"))
