"""`pyats image build` in an environment where pyATS and Slipway are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.kit import REPOSITORY, Home, run, write_recipe

pytestmark = [pytest.mark.net, pytest.mark.slow]

OTHER = """\
from pyats.cli.base import Command

class Greet(Command):
    name = "greet"
    help = "say hello"

    def main(self, argv):
        print("hello", *argv)
        return 5
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pyATS, Slipway as its users install it, and another plugin."""
    place = tmp_path_factory.mktemp("pyats") / "venv"
    uv = Path(sys.executable).with_name("uv")
    run([uv, "venv", "-q", "--python", sys.executable, place])
    python = place / "bin/python"
    done = subprocess.run(
        [uv, "pip", "install", "-q", "--python", python, "pyats[library]", "-e", REPOSITORY],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"pyATS cannot be installed here: {done.stderr[-500:]}")
    (site,) = place.glob("lib/python3*/site-packages")
    (site / "greeting.py").write_text(OTHER)
    info = site / "greeting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pyats.cli.commands.image]\ngreet = greeting:Greet\n")
    return place / "bin"


@pytest.fixture
def home(environment: Path, tmp_path: Path) -> Home:
    extra = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "PATH": f"{environment}:{os.environ['PATH']}"}
    return Home(tmp_path / "home", extra, (str(environment / "pyats"), "image"))


def test_builds(home: Home, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "recipe", "tag: hello:1\nbase: scratch\n")
    assert home.slipway("build", recipe, "-t", "other:2").out == "other:2\n"
    assert "cannot read" in home.slipway("build", tmp_path / "none", status=2).err
    assert "Usage: pyats image build" in home.slipway("build", "--help").out


def test_help_lists_the_commands_of_all_plugins(home: Home) -> None:
    for words in ((), ("--help",)):
        shown = home.slipway(*words).out
        assert "build" in shown
        assert "say hello" in shown


def test_another_plugin_is_found(home: Home) -> None:
    done = home.slipway("greet", "you", status=5)
    assert "hello you" in done.out


def test_a_word_that_is_no_command(home: Home) -> None:
    assert "nonsense" in home.slipway("nonsense", status=None).err + home.slipway("nonsense", status=None).out


def test_the_console_scripts_are_there(environment: Path) -> None:
    assert "Usage: pyats-image-build" in run([environment / "pyats-image-build", "-h"]).out
    asked = run(
        [environment / "pyats-image-build-askpass", "Username for 'https://h':"], env={"GIT_USERNAME": "u"}
    )
    assert asked.out == "u\n"
