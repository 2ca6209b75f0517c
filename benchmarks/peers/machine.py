"""This machine: what it is, and the programs that are measured on it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.model import Skipped
from benchmarks.peers.sources import apt_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def describe() -> dict[str, str]:
    """What a reader of the numbers must know of the machine."""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": model[1] if model else platform.machine(),
        "memory": f"{int(memory[1]) / 1024**2:.1f} GiB" if memory else "?",
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "?"),
        "python": platform.python_version(),
        "load at the start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def run(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Output of a program; `Skipped` with its last words when it fails."""
    try:
        done = subprocess.run(
            [str(a) for a in argv],
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise Skipped(f"{argv[0]} is not installed") from error
    if done.returncode:
        raise Skipped(f"{argv[0]} failed: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def need(program: str, *packages: str) -> str:
    """The path of a program, installed from Debian packages where it is missing."""
    if found := shutil.which(program, path=_PATH):
        return found
    if os.geteuid() != 0:
        raise Skipped(f"{program} is not here, and only root can install it")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=environment)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], env=environment)
    if found := shutil.which(program, path=_PATH):
        return found
    raise Skipped(f"{' '.join(packages)} brought no {program}")


def unpacked(suite: str, packages: Sequence[str], directory: Path) -> Path:
    """A directory with the files of Debian packages of any suite, which are not installed."""
    root = directory / "root"
    if root.exists():
        return root
    for name in ("apt.conf.d", "preferences.d", "lists/partial", "archives/partial", "debs"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "status").touch()
    (directory / "sources.list").write_text(apt_sources(suite))
    (directory / "apt.conf").write_text(
        f'Dir::Etc "{directory}"; Dir::State "{directory}"; Dir::State::status "{directory}/status";\n'
        f'Dir::Cache "{directory}"; APT::Sandbox::User "root";\n'
    )
    environment = {**os.environ, "APT_CONFIG": str(directory / "apt.conf")}
    run(["apt-get", "update", "-qq"], env=environment)
    run(["apt-get", "download", "-qq", *packages], env=environment, cwd=directory / "debs")
    staged = directory / "staged"
    for deb in sorted((directory / "debs").glob("*.deb")):
        run(["dpkg", "-x", deb, staged])
    return staged.rename(root)


def first_line(*argv: str | Path, env: Mapping[str, str] | None = None) -> str:
    """What a program says of its version."""
    return run(argv, env=env).strip().partition("\n")[0]
