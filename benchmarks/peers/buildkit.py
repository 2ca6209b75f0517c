"""An expert's Dockerfile on BuildKit: Docker 26 with buildx, which pushes at the end of the build."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks.peers import dockerfile
from benchmarks.peers.model import Command
from benchmarks.peers.sources import environment

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.base import Base
    from benchmarks.peers.docker import Daemon
    from benchmarks.peers.model import Content


class BuildKit:
    name = engine = "buildkit"
    title = "expert's Dockerfile, BuildKit"

    def __init__(self, work: Path, daemon: Daemon, base: Base, keep: list[str]) -> None:
        self._daemon, self._base, self._keep = daemon, base, keep
        plugins = work / "client" / "cli-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        shutil.copy(daemon.root / "usr/libexec/docker/cli-plugins/docker-buildx", plugins)
        self.program = str(daemon.root / "usr/bin/docker")
        self.environment = environment(DOCKER_CONFIG=str(plugins.parent), **daemon.environment)

    def write(self, directory: Path, content: Content, tag: str) -> None:  # noqa: ARG002 - the command has it
        dockerfile.write(directory, content, self._base, buildkit=True)

    def command(self, directory: Path, tag: str) -> Command:
        build = ["buildx", "build", "--network=host", "--push", f"--tag={tag}", "."]
        return Command([self.program, *build], directory, self.environment)

    def forget(self) -> None:
        self._daemon.forget(self._keep)
