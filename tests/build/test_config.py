from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.build.config import environment, expand, image_config, iso_time, seconds
from slipway.build.steps.model import Program
from slipway.recipe.model import Healthcheck, Platform, Recipe, ScratchBase


def recipe(**changes) -> Recipe:
    return Recipe(Path("/r/image.yaml"), Path("/r"), "", ScratchBase(), **changes)


def config(r: Recipe, base: dict[str, Any] | None = None, **changes):
    options = {
        "created": 1_700_000_000,
        "base": base,
        "venv": True,
        "default_shell": lambda: "bash",
        **changes,
    }
    return image_config(r, Platform("amd64"), [("python", "sha256:aa")], **options)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A/x", "1/x"),
        ("${A}b", "1b"),
        (r"\$A", "$A"),
        ("${NONE:-else}", "else"),
        ("${A:-else}", "1"),
        ("${A:+then}", "then"),
        ("${NONE:+then}$NONE", ""),
        ("100%", "100%"),
    ],
)
def test_variables_in_env_values(text: str, value: str) -> None:
    assert expand(text, {"A": "1"}) == value


def test_the_environment_is_active_and_may_be_extended() -> None:
    env = environment(
        recipe(env=(("PATH", "${WORKSPACE}/tools:$PATH"), ("WORDS", "hello world"))), {}, venv=True
    )
    assert env["PATH"].startswith("/pyats/tools:/pyats/bin:/usr/local/sbin:")
    assert env["VIRTUAL_ENV"] == "/pyats"
    assert env["WORDS"] == "hello world"


def test_defaults() -> None:
    got = config(recipe())
    assert got["config"]["WorkingDir"] == "/pyats"
    assert got["config"]["Cmd"] == ["bash"]
    assert "Entrypoint" not in got["config"]
    assert got["config"]["Labels"] == {"pyats": "slipway"}
    assert got["created"] == "2023-11-14T22:13:20Z"
    assert got["rootfs"] == {"type": "layers", "diff_ids": ["sha256:aa"]}


def test_what_the_recipe_says_is_in_the_configuration() -> None:
    got = config(
        recipe(
            user="1000:100",
            workdir="/srv",
            entrypoint=("run",),
            labels=(("a", "b"),),
            ports=("80/tcp",),
            volumes=("/data",),
            healthcheck=Healthcheck(("CMD", "true"), interval=5_000_000_000),
        )
    )["config"]
    assert (got["User"], got["WorkingDir"], got["Entrypoint"]) == ("1000:100", "/srv", ["run"])
    assert "Cmd" not in got
    assert got["Labels"]["a"] == "b"
    assert got["ExposedPorts"] == {"80/tcp": {}}
    assert got["Volumes"] == {"/data": {}}
    assert got["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 5_000_000_000}


def test_a_base_image_is_inherited_from() -> None:
    base = {
        "config": {
            "Env": ["PATH=/base/bin", "LANG=C.UTF-8"],
            "Entrypoint": ["base-entry"],
            "Cmd": ["base-cmd"],
            "Labels": {"from": "base"},
            "User": "app",
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:00"]},
        "history": [{"created_by": "base"}],
    }
    got = config(recipe(), base)
    assert "PATH=/pyats/bin:/base/bin" in got["config"]["Env"]
    assert got["config"]["Entrypoint"] == ["base-entry"]
    assert got["config"]["Cmd"] == ["base-cmd"]
    assert got["config"]["User"] == "app"
    assert got["rootfs"]["diff_ids"] == ["sha256:00", "sha256:aa"]
    assert [h["created_by"] for h in got["history"]] == ["base", "slipway: python"]
    # a new entrypoint leaves the base's command behind
    assert "Cmd" not in config(recipe(entrypoint=("mine",)), base)["config"]


def test_times_of_base_images_read_back() -> None:
    assert seconds("2023-11-14T22:13:20Z") == 1_700_000_000
    assert seconds("2023-11-14T22:13:19.123456Z") == 1_700_000_000
    assert seconds(None) == 0


def test_times_before_the_epoch_of_zip_are_lifted() -> None:
    assert iso_time(0) == "1980-01-01T00:00:00Z"


BELOW = {
    "config": {
        "Env": ["A=base"],
        "Labels": {"a": "base", "b": "base"},
        "Entrypoint": ["/base"],
        "Cmd": ["base"],
        "User": "base",
        "ExposedPorts": {"1/tcp": {}},
    }
}


def test_instructions_change_what_the_base_says() -> None:
    said = Program(
        env=(("A", "set"), ("B", "1")),
        labels=(("a", "said"),),
        ports=("2/tcp",),
        volumes=("/v",),
        user="app",
        workdir="/w",
        entrypoint=("/init",),
    )
    made = config(recipe(env=(("A", "recipe"),)), BELOW, program=said)["config"]
    assert {"A=set", "B=1"} <= set(made["Env"]), "ENV comes after the recipe's env, as in a Dockerfile"
    assert {k: made["Labels"][k] for k in "ab"} == {"a": "said", "b": "base"}
    assert list(made["ExposedPorts"]) == ["1/tcp", "2/tcp"]
    assert list(made["Volumes"]) == ["/v"]
    assert (made["User"], made["WorkingDir"], made["Entrypoint"]) == ("app", "/w", ["/init"])
    assert "Cmd" not in made, "a new entrypoint makes the base's command meaningless"
    assert config(recipe(), BELOW, program=Program(cmd=("x",)))["config"]["Cmd"] == ["x"]


def test_keys_of_the_recipe_win_over_instructions() -> None:
    said = Program(user="app", workdir="/w", entrypoint=("/init",), cmd=("x",), labels=(("a", "said"),))
    own = recipe(user="me", workdir="/mine", entrypoint=("/own",), cmd=("y",), labels=(("a", "mine"),))
    made = config(own, BELOW, program=said)["config"]
    assert (made["User"], made["WorkingDir"], made["Entrypoint"]) == ("me", "/mine", ["/own"])
    assert (made["Cmd"], made["Labels"]["a"]) == (["y"], "mine")
