from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.build.model import LayerSpec, Part
from slipway.build.resolve import Inputs
from slipway.build.steps.stack import stacked
from slipway.oci import compress
from slipway.oci.fragment import FragmentCache
from slipway.recipe.model import Platform
from tests.build.steps.making import recipe

if TYPE_CHECKING:
    from pathlib import Path


def spec(name: str, key: str = "", *below: str) -> LayerSpec:
    return LayerSpec(name, key or f"key of {name}", (Part("file", name, "", f"part of {name}"),), below)


SYSTEM, PYTHON, WORKSPACE, TOP = spec("system"), spec("python"), spec("workspace"), spec("installation")


@pytest.fixture
def cache(tmp_path: Path) -> FragmentCache:
    return FragmentCache(tmp_path, compress.get("gzip"))


def stack(
    cache: FragmentCache, *post: str, workspace: LayerSpec = WORKSPACE, epoch: int | None = None, **more: Any
) -> dict[str, LayerSpec]:
    inputs = Inputs(recipe(*post, **more), Platform("amd64"), None, None, None, None, ())
    layers = stacked(inputs, cache, epoch, [SYSTEM], [PYTHON], workspace, [TOP])
    assert len({layer.name for layer in layers}) == len(layers)
    return {layer.name: layer for layer in layers}


def test_without_steps_before_the_packages_files_are_above_them(cache: FragmentCache) -> None:
    assert list(stack(cache, "RUN a", "COPY x /x")) == [
        "system",
        "python",
        "workspace",
        "post 1",
        "post 2",
        "installation",
    ]


def test_with_steps_before_the_packages_files_are_below_the_steps(cache: FragmentCache) -> None:
    assert list(stack(cache, "RUN b", pre=("RUN a",))) == [
        "system",
        "workspace",
        "pre 1",
        "python",
        "post 1",
        "installation",
    ]


def test_what_is_below_all_steps_is_as_without_them(cache: FragmentCache) -> None:
    found = stack(cache, "RUN a")
    assert [found[layer.name] for layer in (SYSTEM, PYTHON, WORKSPACE)] == [SYSTEM, PYTHON, WORKSPACE]
    assert found["installation"] != TOP, "it names directories that the step may have changed"


def test_a_change_goes_upward_and_nowhere_else(cache: FragmentCache) -> None:
    def changed(a: dict[str, LayerSpec], b: dict[str, LayerSpec]) -> set[str]:
        return {name for name in a if a[name].key != b[name].key}

    before = stack(cache, "RUN a", "COPY x /x", "RUN b", pre=("RUN p",))
    assert changed(before, stack(cache, "RUN a", "COPY y /x", "RUN b", pre=("RUN p",))) == {
        "post 2",
        "post 3",
        "installation",
    }
    other = replace(WORKSPACE, key="another")
    assert changed(before, stack(cache, "RUN a", "COPY x /x", "RUN b", pre=("RUN p",), workspace=other)) == (
        before.keys() - {"system"}
    )
    without = stack(cache, "RUN a", "RUN b"), stack(cache, "RUN a", "RUN b", workspace=other)
    assert changed(*without) == {"workspace", "post 1", "post 2", "installation"}


def test_a_step_has_no_parts_and_a_copy_one(cache: FragmentCache) -> None:
    found = stack(cache, "RUN a", "COPY x /x")
    step, copy = found["post 1"], found["post 2"]
    assert (step.parts, step.copy, step.below) == (
        (),
        None,
        ("key of system", "key of python", "key of workspace"),
    )
    assert step.step is not None
    assert copy.step is None
    assert copy.copy is not None
    assert [(p.kind, p.name) for p in copy.parts] == [("generated", "COPY x /x")]
    assert copy.below[-1] == step.key


def test_times_are_part_of_what_a_step_makes(cache: FragmentCache) -> None:
    assert stack(cache, "RUN a")["post 1"].key != stack(cache, "RUN a", epoch=1)["post 1"].key
