"""Recipes are read once per text; what could hold a secret is read each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from slipway.errors import RecipeError, UsageError
from slipway.recipe import load as read
from slipway.recipe import loader, remembered
from slipway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

FULL = """\
tag: hello:1
base: {debian: bookworm, packages: [python3]}
platforms: [linux/amd64, linux/arm64]
apt: [git]
packages: ["requests>=2"]
files: [a.txt, {b: c.txt}]
env: {A: 1, B: "x y"}
workdir: /data
entrypoint: [python3]
cmd: []
labels: {a.b: c}
ports: [80, 53/udp]
volumes: [/data]
healthcheck: {test: "true", interval: 3s}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=tmp_path / "store", cache=tmp_path / "cache")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "image.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [FULL, "", "base: scratch", 'python: "3.10"'])
def test_what_is_remembered_equals_what_is_read(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    path = write(tmp_path, text)
    first = remembered.load(path, settings)
    monkeypatch.setattr(loader, "load", None)  # must not be needed
    again = remembered.load(path, settings)
    assert again == first
    monkeypatch.undo()
    assert again == read(path)
    assert repr(again) == repr(read(path))


def test_another_text_is_read_anew(tmp_path: Path, settings: Settings) -> None:
    remembered.load(write(tmp_path, "tag: one"), settings)
    assert remembered.load(write(tmp_path, "tag: two"), settings).tag == "two"


def test_the_same_text_elsewhere_has_its_own_directory(tmp_path: Path, settings: Settings) -> None:
    remembered.load(write(tmp_path, "files: [a]"), settings)
    other = tmp_path / "other"
    other.mkdir()
    assert remembered.load(write(other, "files: [a]"), settings).directory == other


def test_damage_is_read_over(tmp_path: Path, settings: Settings) -> None:
    path = write(tmp_path, "tag: one")
    remembered.load(path, settings)
    (kept,) = (settings.cache / "recipes").iterdir()
    for damage in ("", "[1]", "{}", json.dumps({"Recipe": [1]}), json.dumps({"os": []})):
        kept.write_text(damage)
        assert remembered.load(path, settings).tag == "one"


@pytest.mark.parametrize(
    "text",
    [
        "env: {A: '%ENV{HOME}'}",
        "pip-config: {global: {index-url: 'https://user:canary@example.org/simple'}}",
        "files: ['https://user:canary@example.org/f']",
    ],
)
def test_what_may_be_secret_is_never_kept(tmp_path: Path, settings: Settings, text: str) -> None:
    try:
        remembered.load(write(tmp_path, text), settings)
    except RecipeError:
        pytest.skip("not a recipe yet")
    assert not (settings.cache / "recipes").exists()


def test_errors_are_those_of_reading(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(RecipeError, match="unknown key"):
        remembered.load(write(tmp_path, "nonsense: 1"), settings)
    with pytest.raises(UsageError, match="cannot read"):
        remembered.load(tmp_path / "none.yaml", settings)


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(store=tmp_path / "store", cache=tmp_path / "file" / "cache")
    assert remembered.load(write(tmp_path, "tag: one"), settings).tag == "one"
