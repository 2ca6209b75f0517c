"""The script runs in every shell that calls itself POSIX's and is here."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from slipway.build.installation.entrypoint import argv, script, wanted
from slipway.build.installation.model import Init
from slipway.recipe.model import RunStep
from tests.build.installation.workspace import HERE, repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build.installation.workspace import Desk


@pytest.fixture(params=["sh", "bash", "dash", "busybox"])
def shell(request: pytest.FixtureRequest) -> list[str]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return ["busybox", "sh"] if request.param == "busybox" else [request.param]


def start(shell: list[str], workspace: Path, *command: str, path: str = "/usr/bin:/bin", **more: str) -> str:
    file = workspace / "entrypoint.sh"
    file.write_bytes(script(str(workspace)))
    env = {"PATH": path, **more}
    done = subprocess.run(
        [shutil.which(shell[0]) or "", *shell[1:], file, *command],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def activated(workspace: Path) -> Path:
    (workspace / "bin").mkdir(parents=True)
    (workspace / "bin" / "activate").write_text(f"VIRTUAL_ENV={workspace}\nexport VIRTUAL_ENV\n")
    return workspace


def test_it_becomes_the_command(shell: list[str], tmp_path: Path) -> None:
    assert start(shell, tmp_path, "printf", "%s|", "a b", "", "*") == "a b||*|"
    assert start(shell, tmp_path, "sh", "-c", "echo ${VIRTUAL_ENV-none} ${_root-none}") == "none none\n"


def test_it_is_silent_and_runs_a_shell(shell: list[str], tmp_path: Path) -> None:
    assert start(shell, tmp_path) == ""


def test_it_activates_the_environment(shell: list[str], tmp_path: Path) -> None:
    workspace = activated(tmp_path / "w")
    show = ("sh", "-c", "echo ${VIRTUAL_ENV-none}")
    assert start(shell, workspace, *show) == f"{workspace}\n"
    # what is active already is not activated twice
    assert start(shell, workspace, *show, path=f"{workspace}/bin:/usr/bin:/bin") == "none\n"


def test_an_image_on_top_activates_its_own(shell: list[str], tmp_path: Path) -> None:
    below, above = activated(tmp_path / "below"), activated(tmp_path / "above")
    show = ("sh", "-c", "echo $VIRTUAL_ENV")
    assert start(shell, below, *show, WORKSPACE=str(above)) == f"{above}\n"


@pytest.mark.parametrize(
    ("text", "started"),
    [
        ("{}", False),
        ("packages: [six]", True),
        ("files: [a]", True),
        ("packages: [six]\nentrypoint: []", False),
        ("packages: [six]\nentrypoint: [x]", False),
        ("base: scratch\nfiles: [a]", False),
        ("base: python:3.12-slim\npackages: [six]", True),
        ("base: python:3.12-slim\nfiles: [a]", False),
        ("base: oci:somewhere\nfiles: [a]", False),
    ],
)
def test_which_images_get_it(desk: Desk, text: str, *, started: bool) -> None:
    assert wanted(desk.recipe(text)) == started


def test_repositories_and_commands_count(desk: Desk) -> None:
    from dataclasses import replace

    recipe = desk.recipe("base: python:3.12-slim")
    assert wanted(replace(recipe, repositories=(repository("r"),)))
    assert wanted(replace(recipe, run=(RunStep(("true",), HERE),)))


def test_how_an_image_starts(desk: Desk) -> None:
    recipe = desk.recipe("workspace: /srv/team")
    script = "/srv/team/installation/entrypoint.sh"
    assert argv(recipe, None) == ()
    assert argv(recipe, Init("")) == (script,)
    assert argv(recipe, Init("/sbin/tini")) == ("/sbin/tini", "-s", "--", script)
