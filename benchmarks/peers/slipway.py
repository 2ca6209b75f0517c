"""Slipway, in two forms: on the base image that all others use, and with a Debian of its own making."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks.peers.base import PYTHON, SLIPWAY, SUITE
from benchmarks.peers.machine import run
from benchmarks.peers.model import Command, replace_text
from benchmarks.peers.sources import environment

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.model import Content
    from benchmarks.peers.registry import Registry

BASE = f"python:{PYTHON}-slim"
ON_BASE = f'python: "{PYTHON}"\n'
# the tools that the pyATS Image Builder puts into its images, too
OWN_DEBIAN = (
    f"base: {{debian: {SUITE}, packages: [python3, python3-venv, python3-pip, ca-certificates]}}\n"
    "apt: [tini, iputils-ping, telnet, openssh-client, net-tools, git]\n"
)


class Slipway:
    """`slipway build --push` of a recipe with this `bottom`."""

    def __init__(self, name: str, title: str, bottom: str, work: Path, registry: Registry, pip: Path) -> None:
        self.name = self.engine = name
        self.title = title
        self._bottom, self._work = bottom, work
        self._environment = environment(
            SLIPWAY_STORE=str(work / "store"),
            SLIPWAY_CACHE=str(work / "cache"),
            SLIPWAY_REGISTRY_MIRROR=f"http://{registry.host}",
            PIP_CONFIG_FILE=str(pip),
        )

    def write(self, directory: Path, content: Content, tag: str) -> None:
        packages = "".join(f"  - {package}\n" for package in content.packages)
        files = "".join(f"  - {file}\n" for file in ("note.txt", *content.urls))
        replace_text(directory / "note.txt", content.note)
        replace_text(
            directory / "image.yaml", f"tag: {tag}\n{self._bottom}packages:\n{packages}files:\n{files}"
        )

    def command(self, directory: Path, tag: str) -> Command:  # noqa: ARG002 - the recipe has it
        return Command([*SLIPWAY, "--quiet", "build", "image.yaml", "--push"], directory, self._environment)

    def forget(self) -> None:
        for name in ("store", "cache"):
            shutil.rmtree(self._work / name, ignore_errors=True)
        if self._bottom == ON_BASE:
            # others have the base image, too, even unpacked
            run([*SLIPWAY, "--quiet", "image", "pull", BASE], env=self._environment)
