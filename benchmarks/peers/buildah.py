"""The same Dockerfile with buildah, as far as its release knows the instructions, then `buildah push`."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from benchmarks.peers import dockerfile
from benchmarks.peers.machine import need, run
from benchmarks.peers.model import Command, Skipped
from benchmarks.peers.sources import environment

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.base import Base
    from benchmarks.peers.model import Content


class Buildah:
    name = engine = "buildah"
    title = "the same, buildah"

    def __init__(self, work: Path, base: Base) -> None:
        if os.geteuid() != 0:
            raise Skipped("buildah is measured as root, as the daemons are")
        program = need("buildah", "buildah")
        # what it remembers of a registry that is gone would only mislead it
        shutil.rmtree(work, ignore_errors=True)
        self._base, self._scratch = base, work / "tmp"
        self._scratch.mkdir(parents=True, exist_ok=True)
        # its caches of mounts are below the directory for temporary files
        self._environment = environment(TMPDIR=str(self._scratch), HOME=str(work / "home"))
        self.tool = [program, f"--root={work}/storage", f"--runroot={work}/run", "--storage-driver=overlay"]
        (work / "home").mkdir(parents=True, exist_ok=True)
        self._kept = {self._pull(image) for image in (base.image, base.uv)}

    def _pull(self, image: str) -> str:
        pull = [*self.tool, "pull", "--quiet", "--tls-verify=false", image]
        return run(pull, env=self._environment).strip()[:12]

    def write(self, directory: Path, content: Content, tag: str) -> None:  # noqa: ARG002 - the command has it
        dockerfile.write(directory, content, self._base, buildkit=False)

    def command(self, directory: Path, tag: str) -> Command:
        build = (
            'b=$1; shift; "$@" build --quiet --layers --isolation=chroot --network=host --tls-verify=false'
        )
        push = '"$@" push --quiet --tls-verify=false'
        script = f'{build} --tag="$b" . && {push} "$b"'
        return Command(["/bin/sh", "-c", script, "sh", tag, *self.tool], directory, self._environment)

    def forget(self) -> None:
        listed = json.loads(run([*self.tool, "images", "--all", "--json"], env=self._environment))
        for image in listed or ():
            if image["id"] not in self._kept:  # both shortened to 12 digits
                run([*self.tool, "rmi", "--force", image["id"]], env=self._environment)
        for directory in self._scratch.iterdir():
            shutil.rmtree(directory, ignore_errors=True)
