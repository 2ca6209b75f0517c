from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from slipway.build.steps.keys import identity, step_key
from slipway.build.steps.model import Copy, Step
from slipway.errors import Where
from slipway.recipe.model import Platform, Secret

STEP = Step("post 1", ("true",), (("A", "1"),), "RUN true", Where("a", 1))
COPY = Copy("post 2", ("a",), "/b", "COPY a /b", Where("a", 2))
PLATFORM = Platform("amd64")
OTHER: dict[str, Any] = {
    "argv": ("false",),
    "env": (("A", "2"),),
    "user": "app",
    "workdir": "/w",
    "network": True,
    "caches": ("/c",),
    "secrets": (Secret("s", "env:S", "/run/secrets/s"),),
    "directories": ("/d",),
    "sources": ("b",),
    "dest": "/c",
    "owner": "1:1",
    "mode": 0o600,
}


def key(step: Step = STEP, below: tuple[str, ...] = ("x",), **more: Any) -> str:
    given = {"platform": PLATFORM, "compression": "c", "epoch": None, **more}
    return step_key(step, below, **given)


@pytest.mark.parametrize("item", [STEP, COPY], ids=["step", "copy"])
def test_all_that_a_step_does_counts_and_nothing_else(item: Step | Copy) -> None:
    for field in fields(item):
        if field.name in ("name", "text", "where"):
            value: Any = Where("b") if field.name == "where" else "other"
            assert identity(replace(item, **{field.name: value})) == identity(item)
        else:
            assert identity(replace(item, **{field.name: OTHER[field.name]})) != identity(item)


def test_of_a_secret_only_its_place_counts() -> None:
    def with_secret(*args: str) -> str:
        return identity(replace(STEP, secrets=(Secret(*args),)))

    assert with_secret("s", "env:A", "/x") == with_secret("s", "file", "/x")
    assert with_secret("s", "env:A", "/x") != with_secret("s", "env:A", "/y")


def test_the_key_depends_on_everything_below_and_on_how_the_layer_is_written() -> None:
    keys = {
        key(),
        key(below=("y",)),
        key(below=("x", "y")),
        key(platform=Platform("arm64")),
        key(compression="d"),
        key(epoch=0),
    }
    assert len(keys) == 6
