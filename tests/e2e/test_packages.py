"""The packages in an image are those that APT itself would install for the same request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from slipway.distro.mirror import find_mirror, further_suites
from slipway.settings import Settings
from tests.e2e.conftest import need, need_root
from tests.e2e.kit import Home, packages_in, run, write_recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.net, pytest.mark.slow]

_INST = re.compile(r"^Inst (\S+) \((\S+)", re.MULTILINE)
_SIGNED = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"


def sources(suite: str, tmp_path: Path) -> list[str]:
    """The lines of a sources.list for all that is read of a suite."""
    mirror = find_mirror(Settings(store=tmp_path, cache=tmp_path))
    places = [(mirror.archive, suite), *((p.archive, p.name) for p in further_suites(mirror, suite))]
    return [f"deb {_SIGNED} {archive} {name} main" for archive, name in places]


def test_as_mmdebstrap_would(built: Callable[[str], dict[str, Any]], home: Home, tmp_path: Path) -> None:
    """Base and `apt` of an example in one request: nothing of it excludes anything else."""
    need("mmdebstrap")
    need_root()
    include = "python3,ca-certificates,iputils-ping,iproute2,openssh-client,tini"
    argv = [
        "mmdebstrap",
        "--verbose",
        "--simulate",
        "--mode=root",
        "--variant=minbase",
        f"--include={include}",
    ]
    said = run([*argv, "bookworm", "/dev/null", *sources("bookworm", tmp_path)]).err
    assert packages_in(home, built("netops")) == {f"{n}={v}" for n, v in _INST.findall(said)}


@pytest.mark.thorough
def test_as_apt_of_another_architecture_would(home: Home, tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path / "recipe",
        "tag: arm-packages\nplatforms: [linux/arm64]\nbase: {debian: trixie, packages: [python3, ca-certificates]}\n",
    )
    result = home.build(recipe)
    apt = foreign_apt(tmp_path, "arm64", sources("trixie", tmp_path))
    stanzas = run([*apt("apt-cache"), "dumpavail"]).out.split("\n\n")
    seeds = {
        found[1]
        for s in stanzas
        if (found := re.match(r"Package: (\S+)", s))
        and re.search(r"^(Priority: required|Essential: yes)$", s, re.MULTILINE)
    }
    said = run([*apt("apt-get"), "-s", "install", "apt", *sorted(seeds), "python3", "ca-certificates"]).out
    assert packages_in(home, result, "arm64") == {f"{n}={v}" for n, v in _INST.findall(said)}


def foreign_apt(root: Path, arch: str, lines: list[str]) -> Callable[[str], list[str]]:
    """An APT of its own for an empty system of `arch`, its indexes read; gives the start of a command line."""
    need("apt-get")
    for name in ("etc/preferences.d", "etc/apt.conf.d", "state/lists/partial", "cache/archives/partial"):
        (root / name).mkdir(parents=True)
    (root / "status").touch()
    (root / "etc/sources.list").write_text("\n".join(lines) + "\n")
    (root / "conf").write_text(
        f'Dir "{root}/";\nDir::Etc "{root}/etc/";\nDir::State "{root}/state/";\nDir::State::status "{root}/status";\n'
        f'Dir::Cache "{root}/cache/";\nAPT::Sandbox::User "";\nAPT::Install-Recommends "false";\n'
        f'APT::Architecture "{arch}";\nAPT::Architectures {{ "{arch}"; }};\n'
    )

    def start(program: str) -> list[str]:
        return ["env", f"APT_CONFIG={root}/conf", "LC_ALL=C", program]

    run([*start("apt-get"), "update"])
    return start
