"""Everything that has to be there before the first measurement: registry, server, base, and whoever can compete."""

from __future__ import annotations

import compileall
import json
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import slipway as package
from benchmarks.peers import base, image_builder
from benchmarks.peers.buildah import Buildah
from benchmarks.peers.buildkit import BuildKit
from benchmarks.peers.docker import Daemon
from benchmarks.peers.image_builder import ImageBuilder
from benchmarks.peers.machine import first_line, run
from benchmarks.peers.meter import Group
from benchmarks.peers.model import Skipped
from benchmarks.peers.registry import Registry
from benchmarks.peers.slipway import ON_BASE, OWN_DEBIAN, Slipway
from benchmarks.peers.sources import Indexes
from benchmarks.peers.web import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.peers.model import Contender

NAMES = ("slipway", "slipway-debian", "image-builder-cli", "image-builder-api", "buildkit", "buildah")
_FILES = 3
_NOTES = (
    f"python:{base.PYTHON}-slim is a stand-in made of Debian packages, the same for everybody but slipway-debian",
    "slipway-debian builds its Debian too, with the tools that the image builder adds to the base",
    "the image builder gets its tini over loopback instead of from its site; the base has Debian's for everybody else",
    "Slipway's modules are compiled before, as pip does when it installs them",
    "the image builder's docker build gets network_mode=host: the daemons have no bridge",
    "directories that pip on this machine reads are served over loopback, to everybody alike",
    "cold: no images but the base, no build cache, no downloads; the kernel may have files in memory",
    "the base image is pulled before: Docker and buildah have it unpacked, Slipway as it came",
)


@dataclass(slots=True)
class Field:
    """Who competes, where, and what is to be said about it."""

    registry: Registry
    address: str
    groups: dict[str, Group] = field(default_factory=dict)
    contenders: list[Contender] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=lambda: list(_NOTES))


@contextmanager
def prepared(work: Path, wanted: Sequence[str], say: Callable[[str], None]) -> Iterator[Field]:
    """All that runs is stopped at the end of the block. `Skipped` when not even a registry can be had."""
    with ExitStack() as stack:
        registry = Registry(work / "registry")
        stack.callback(registry.stop)
        www = work / "www"
        www.mkdir(parents=True, exist_ok=True)
        address = stack.enter_context(serving(www))
        indexes = Indexes.of_machine(address, os.environ)
        pip = _serve(www, indexes, work)
        compileall.compile_dir(str(Path(package.__file__).parent), quiet=2)
        say("the base image")
        images = base.prepare(registry, address, indexes, work)
        registry.keep()
        found = Field(registry, address)
        found.versions["registry"] = first_line(registry.program, "--version")
        makers = _makers(found, stack, images, pip, work)
        for name in wanted:
            say(f"getting {name} ready")
            try:
                found.contenders.append(makers[name]())
            except Skipped as skipped:
                found.skipped[name] = str(skipped)
                say(f"skipped: {name}: {skipped}")
        yield found


def _serve(www: Path, indexes: Indexes, work: Path) -> Path:
    """Fill the server's directory; the pip configuration for programs on this machine."""
    for name, directory in indexes.served.items():
        link = www / name
        link.unlink(missing_ok=True)
        link.symlink_to(directory)
    for number in range(_FILES):
        users = [{"user": f"user{n}", "group": number} for n in range(2000)]
        (www / f"file{number}.json").write_text(json.dumps(users))
    (www / "tini-static").write_bytes(base.tini(work))
    pip = work / "pip.conf"
    pip.write_text(indexes.pip_conf())
    return pip


def _makers(
    found: Field, stack: ExitStack, images: base.Base, pip: Path, work: Path
) -> dict[str, Callable[[], Contender]]:
    """How to get each contender ready, by name."""

    def group(engine: str) -> Group:
        if engine not in found.groups:
            found.groups[engine] = Group(engine)
            stack.callback(found.groups[engine].close)
        return found.groups[engine]

    def slipway(name: str, title: str, bottom: str) -> Slipway:
        group(name)
        found.versions["slipway"] = first_line(*base.SLIPWAY, "--version")
        place = work / name
        place.mkdir(exist_ok=True)
        return Slipway(name, title, bottom, place, found.registry, pip)

    @cache
    def docker() -> tuple[Daemon, str, Path]:
        python = image_builder.install(work)
        daemon = Daemon("bookworm", work / "docker", group("docker"))
        stack.callback(daemon.stop)
        kept = daemon.pull(images.image, f"python:{base.PYTHON}-slim")
        for name in ("pyats-image-builder", "docker"):
            shown = run([python, "-m", "pip", "show", name]).splitlines()[1]
            found.versions["docker client" if name == "docker" else name] = shown.removeprefix("Version: ")
        found.versions["docker"] = daemon.version()
        return daemon, kept, python

    def builder(name: str, title: str, program: str) -> ImageBuilder:
        daemon, kept, python = docker()
        return ImageBuilder(name, title, program, python, daemon, kept)

    def buildkit() -> BuildKit:
        place = work / "buildkit"
        daemon = Daemon("trixie", place, group("buildkit"), ("docker-cli", "docker-buildx"))
        stack.callback(daemon.stop)
        keep = [daemon.pull(images.image), daemon.pull(images.uv)]
        made = BuildKit(place, daemon, images, keep)
        found.versions["docker with BuildKit"] = daemon.version()
        found.versions["buildx"] = first_line(made.program, "buildx", "version", env=made.environment)
        return made

    def buildah() -> Buildah:
        made = Buildah(work / "buildah", images)
        group(made.engine)
        found.versions["buildah"] = first_line(*made.tool, "--version")
        return made

    return {
        "slipway": lambda: slipway("slipway", "Slipway", ON_BASE),
        "slipway-debian": lambda: slipway("slipway-debian", "Slipway, Debian and tools too", OWN_DEBIAN),
        "image-builder-cli": lambda: builder(
            "image-builder-cli", "pyats-image-build --push", image_builder.COMMAND_LINE
        ),
        "image-builder-api": lambda: builder(
            "image-builder-api", "its Python API, cached", image_builder.API
        ),
        "buildkit": buildkit,
        "buildah": buildah,
    }
