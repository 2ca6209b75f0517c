"""The .debs of which mmdebstrap made a root (`realroot`), fetched by an APT of their own, as fragments."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from slipway.distro.deb import deb_fragment
from slipway.distro.model import Deb
from slipway.oci import compress
from slipway.oci.fragment import Fragment, FragmentCache
from tests import shared
from tests.distro import realroot

if TYPE_CHECKING:
    from pathlib import Path

_CONF = """\
Dir "{0}/";
Dir::Etc "{0}/etc/";
Dir::State "{0}/state/";
Dir::State::status "{0}/status";
Dir::Cache "{0}/cache/";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
"""


@cache
def fragment_cache() -> FragmentCache:
    return FragmentCache(shared.place() / "fragments", compress.get("gzip"))


@cache
def debs(suite: str) -> tuple[tuple[Deb, Path], ...]:
    """The packages of `realroot.root(suite)` in the order of their names."""
    versions = realroot.root(suite).packages()
    with shared.alone(f"debs-{suite}") as home:
        whole = home / "whole"
        if not whole.exists():
            _download(suite, home, [f"{name}={version}" for name, version in versions.items()])
            whole.touch()
    found = []
    for path in sorted((home / "debs").glob("*.deb")):
        name, version, arch = unquote(path.stem).split("_")
        data = path.read_bytes()
        found.append((Deb(name, version, arch, "", "", hashlib.sha256(data).hexdigest(), len(data)), path))
    assert len(found) == len(versions)
    return tuple(found)


def _download(suite: str, home: Path, wanted: list[str]) -> None:
    mirror = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[0]
    for name in (
        "etc/apt.conf.d",
        "etc/preferences.d",
        "etc/trusted.gpg.d",
        "state/lists/partial",
        "cache",
        "debs",
    ):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "status").touch()
    (home / "etc/sources.list").write_text(f"deb [signed-by={realroot.KEYRING}] {mirror} {suite} main\n")
    (home / "apt.conf").write_text(_CONF.format(home))
    env = {"APT_CONFIG": str(home / "apt.conf"), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    for command in (["update"], ["download", *wanted]):
        subprocess.run(
            ["apt-get", "-q", *command], cwd=home / "debs", env=env, check=True, capture_output=True
        )


@cache
def fragments(suite: str) -> tuple[Fragment, ...]:
    return tuple(deb_fragment(fragment_cache(), deb, path) for deb, path in debs(suite))
