"""Roots that mmdebstrap makes, as tar archives: what the native counterparts are compared with."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest

from tests import shared

SUITES = (pytest.param("bookworm", marks=pytest.mark.thorough), "trixie")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = "python3,ca-certificates,openssh-client,vim,less"
# What scripts make and packages do not ship: hidden from the reader, so that nothing can be copied from it.
MADE = {f"etc/{name}{end}" for name in ("passwd", "group", "shadow", "gshadow") for end in ("", "-")} | {
    "etc/subuid",
    "etc/subgid",
    "etc/ca-certificates.conf",
}


class Root:
    """The members of a root archive by clean path."""

    def __init__(self, archive: Path) -> None:
        self._tar = tarfile.open(archive)  # noqa: SIM115 - open as long as the tests read from it
        atexit.register(self._tar.close)
        self.members = {m.name.removeprefix("./").rstrip("/"): m for m in self._tar}
        self.paths = [path for path, m in self.members.items() if not m.isdir()]
        self.symlinks = {path: m.linkname for path, m in self.members.items() if m.issym()}

    def content(self, path: str) -> bytes:
        file = self._tar.extractfile(self.members[path])
        assert file is not None
        return file.read()

    def read(self, *paths: str) -> dict[str, bytes]:
        found = {}
        for path in paths:
            member = self.members.get(path)
            if member is not None and member.isfile() and path not in MADE:
                found[path] = self.content(path)
        return found

    def shipped(self) -> set[str]:
        """The paths that the packages' lists name, with merged /usr applied."""
        out = set()
        for path in self.members:
            if path.startswith("var/lib/dpkg/info/") and path.endswith(".list"):
                for line in self.content(path).decode().splitlines():
                    name = line.strip("/")
                    top = self.symlinks.get(name.partition("/")[0])
                    out.add(normpath(join(top, name.partition("/")[2])) if top else name)
        return out

    def packages(self) -> dict[str, str]:
        """Package -> version, from the status database."""
        blocks = self.content("var/lib/dpkg/status").decode().split("\n\n")
        fields = [dict(line.split(": ", 1) for line in b.splitlines() if ": " in line[:40]) for b in blocks]
        return {f["Package"]: f["Version"] for f in fields if "Package" in f}

    def postinsts(self) -> dict[str, str]:
        suffix = ".postinst"
        return {
            path.rpartition("/")[2].removesuffix(suffix).partition(":")[0]: self.content(path).decode()
            for path in sorted(self.members)
            if path.startswith("var/lib/dpkg/info/") and path.endswith(suffix)
        }

    def below(self, directory: str) -> dict[str, str]:
        return {p.rpartition("/")[2]: self.content(p).decode() for p in self.paths if dirname(p) == directory}


@cache
def root(suite: str) -> Root:
    if shutil.which("mmdebstrap") is None or not KEYRING.exists():
        pytest.skip("mmdebstrap or Debian's keyring is not installed")
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not listing:
        pytest.skip("no Debian mirror is configured")
    with shared.alone("roots") as folder:
        archive = folder / f"{suite}.tar"
        if not archive.exists():
            made = folder / f"{suite}.new.tar"
            subprocess.run(
                [
                    "mmdebstrap",
                    "--quiet",
                    "--variant=minbase",
                    f"--include={PACKAGES}",
                    f"--keyring={KEYRING}",
                    suite,
                    str(made),
                    listing[0],
                ],
                check=True,
                env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
                stderr=subprocess.PIPE,
            )
            made.rename(archive)
    return Root(archive)
