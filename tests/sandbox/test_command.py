from __future__ import annotations

from typing import Any

import pytest

from slipway.errors import UsageError
from slipway.sandbox.command import command
from slipway.sandbox.model import Mount, Spec


@pytest.mark.parametrize(
    ("config", "argv", "entrypoint", "whole"),
    [
        ({"Cmd": ["a", "b"]}, [], None, "a b"),
        ({"Cmd": ["a", "b"]}, ["c"], None, "c"),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, [], None, "e a"),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, ["x", "y"], None, "e x y"),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, [], ["f"], "f"),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, ["x"], ["f", "g"], "f g x"),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, ["x"], [], "x"),
        ({"Entrypoint": None, "Cmd": None}, ["x"], None, "x"),
    ],
)
def test_entrypoint_and_cmd_as_docker_has_them(
    config: dict[str, Any], argv: list[str], entrypoint: list[str] | None, whole: str
) -> None:
    assert " ".join(command(config, argv, entrypoint=entrypoint, env={}).argv) == whole


def test_environment_directory_and_user() -> None:
    config = {"Env": ["PATH=/x", "A=1=2", "B"], "WorkingDir": "/w", "User": "app"}
    asked = command(config, ["x"], env={"B": "3"})
    assert asked.env == {"PATH": "/x", "A": "1=2", "B": "3"}
    assert (asked.cwd, asked.user) == ("/w", "app")
    asked = command(config, ["x"], env={}, workdir="/o", user="0")
    assert (asked.cwd, asked.user) == ("/o", "0")
    assert command({}, ["x"], env={}).env["PATH"].startswith("/usr/local/sbin:")


@pytest.mark.parametrize(
    "words",
    [
        {"argv": []},
        {"argv": [""]},
        {"argv": ["a\0b"]},
        {"argv": ["x"], "workdir": "here"},
        {"argv": ["x"], "env": {"": "1"}},
        {"argv": ["x"], "env": {"A=B": "1"}},
        {"argv": ["x"], "env": {"A": "\0"}},
    ],
)
def test_what_cannot_be_run(words: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        command({"Entrypoint": []}, words.pop("argv"), **{"env": {}, **words})


def test_a_sandbox_goes_over_a_pipe_unchanged() -> None:
    spec = Spec(
        argv=("a", "ü"),
        env={"A": "1"},
        cwd="/",
        uid=1,
        gid=2,
        groups=(3,),
        rootless=True,
        stage="/s",
        hostname="h",
        lowers=("/l",),
        mounts=(Mount("/a", "/b", read_only=True),),
        files=(("/etc/hosts", "x\udcff"),),
    )
    assert Spec.from_bytes(spec.to_bytes()) == spec
