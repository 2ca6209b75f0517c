"""The pyATS Image Builder, as released: its command line, and its Python API with Docker's cache in use.

Its build gets one thing that its user would not have to give: the machine's network, because the
daemon has no bridge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.base import PYTHON
from benchmarks.peers.machine import run
from benchmarks.peers.model import Command, replace_text
from benchmarks.peers.sources import environment

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.docker import Daemon
    from benchmarks.peers.model import Content

RELEASE = "pyats-image-builder==26.9"
_NETWORK = """\
from docker.api.build import BuildApiMixin
build = BuildApiMixin.build
BuildApiMixin.build = lambda *a, **k: build(*a, network_mode="host", **k)
"""
COMMAND_LINE = f"""{_NETWORK}
from pyatsimagebuilder.main import main
main(["image.yaml", "--push"])
"""
API = f"""{_NETWORK}
import yaml
from pyatsimagebuilder import ImageBuilder
with open("image.yaml") as file:
    config = yaml.safe_load(file)
ImageBuilder(config).run(no_cache=False).push()
"""


def install(work: Path) -> Path:
    """Its own Python, with it installed."""
    place = work / "image-builder"
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        run([_interpreter(), "-m", "venv", "--clear", place])
        run([python, "-m", "pip", "install", "-q", RELEASE])
        (place / "ready").touch()
    return python


def _interpreter() -> str:
    import sys

    return sys.executable


class ImageBuilder:
    """`program` is what its own Python runs in the directory of `image.yaml`."""

    engine = "docker"

    def __init__(self, name: str, title: str, program: str, python: Path, daemon: Daemon, base: str) -> None:
        self.name, self.title = name, title
        self._program, self._python, self._daemon, self._base = program, python, daemon, base

    def write(self, directory: Path, content: Content, tag: str) -> None:
        packages = "".join(f"  - {package}\n" for package in content.packages)
        files = "".join(f"  - {file}\n" for file in ("note.txt", *content.urls))
        replace_text(directory / "note.txt", content.note)
        replace_text(
            directory / "image.yaml",
            f'tag: {tag}\npython: "{PYTHON}"\npackages:\n{packages}files:\n{files}',
        )

    def command(self, directory: Path, tag: str) -> Command:  # noqa: ARG002 - the recipe has it
        argv = [str(self._python), "-c", self._program]
        return Command(argv, directory, environment(DOCKER_HOST=self._daemon.address))

    def forget(self) -> None:
        self._daemon.forget([self._base])
