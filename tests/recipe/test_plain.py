"""Recipes as plain data and back."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import LockError
from slipway.oci.digest import canonical
from slipway.recipe import load
from slipway.recipe.model import Recipe
from slipway.recipe.plain import as_data, from_data
from tests.recipe.helpers import FILE, read

FULL = """
tag: full:1
base: {debian: trixie, variant: essential, packages: [python3]}
apt: [git, tini=0.19.0-1]
packages: ["requests>=2.32  # why", "rich; python_version < '4'"]
pip-config: {global: {index-url: "https://user:canary@index.example.org/simple"}}
files: [a, data/b: ./b, {c: "https://example.org/c?token=canary"}, ~/d, /srv/e]
env: {PATH: "$PATH:/x", TZ: UTC, EMPTY: "", EQ: "a=b"}
labels: {z: "1", a: "2"}
workspace: /srv/work
user: "1000:100"
workdir: /tmp
entrypoint: []
cmd: python -m x
ports: [80, 53/udp]
volumes: [/data]
healthcheck: {test: x, interval: 30s, retries: 2}
platforms: [linux/arm64]
"""
BASES = [
    "scratch",
    "oci:../out:v1",
    "oci:/srv/out",
    "python:3.12-slim",
    "reg.example.org:5000/a/b@sha256:" + "a" * 64,
]


def bare(recipe: Recipe) -> Recipe:
    """What of a recipe determines an image, without positions and logins."""
    return from_data(as_data(recipe), recipe.directory)


@pytest.mark.parametrize("text", [FULL, "", *(f"base: {base}" for base in BASES)])
def test_there_and_back(text):
    recipe = read(text)
    data = as_data(recipe)
    assert json.loads(canonical(data)) == data
    again = from_data(data, recipe.directory)
    assert as_data(again) == data
    for name in (
        "apt",
        "env",
        "workspace",
        "user",
        "workdir",
        "entrypoint",
        "cmd",
        "ports",
        "volumes",
        "healthcheck",
    ):
        assert getattr(again, name) == getattr(recipe, name), name
    assert [r.text for r in again.packages] == [r.text for r in recipe.packages]
    assert dict(again.labels) == dict(recipe.labels)
    assert replace(again.base, where=None) == replace(recipe.base, where=None)


def test_no_secrets_no_names_no_places():
    data = as_data(read(FULL))
    assert "canary" not in json.dumps(data)
    assert "team" not in json.dumps(data)
    assert not {"tag", "platforms", "path", "text"} & set(data)
    assert [f["source"] for f in data["files"]] == [
        "a",
        "./b",
        "https://example.org/c?token=***",
        "~/d",
        "/srv/e",
    ]
    assert as_data(read("base: oci:../out"))["base"] == {"oci": "../out"}


def test_equal_for_the_same_image():
    other = FULL.replace("full:1", "x:2").replace('z: "1", a: "2"', 'a: "2", z: "1"').replace("  # why", "")
    assert as_data(read("# hello\n" + other.replace("[linux/arm64]", "[linux/amd64]"))) == as_data(read(FULL))
    # what comes first can be used by what comes later
    assert as_data(read(FULL.replace('TZ: UTC, EMPTY: ""', 'EMPTY: "", TZ: UTC'))) != as_data(read(FULL))
    assert as_data(read("cmd: []")) != as_data(read(""))


@given(
    st.sampled_from(sorted(as_data(load(FILE, FULL)))),
    st.sampled_from([None, 1, "x", [], {}, [1], ["\n"], ["../x"], {"a": 1}, "/"]),
)
def test_damage_is_told(key, value):
    damaged = as_data(read(FULL)) | {key: value}
    with suppress(LockError):
        assert as_data(from_data(damaged, Path("/team")))


@given(st.dictionaries(st.from_regex(r"[^=\s]+", fullmatch=True), st.text(), max_size=4))
def test_any_variable(env):
    recipe = replace(read(""), env=tuple(env.items()))
    assert bare(recipe).env == recipe.env
