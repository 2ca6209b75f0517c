"""Wheels made up for tests, and fragments put onto the disk."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import stat
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slipway.oci import compress
from slipway.oci.fragment import Fragment, FragmentCache
from slipway.python.model import Dist, PythonTarget
from slipway.settings import Settings


def recorded(data: bytes, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class WheelMaker:
    """A wheel that is right unless a test makes it wrong."""

    folder: Path
    name: str = "demo"
    version: str = "1.0"
    tag: str = "py3-none-any"
    files: dict[str, bytes] = field(default_factory=lambda: {"demo/__init__.py": b"x = 1\n"})
    modes: dict[str, int] = field(default_factory=dict)
    entry_points: str = ""
    metadata: str = ""
    record: dict[str, str] = field(default_factory=dict)  # rows that differ from the truth; "" leaves one out
    packing: int = zipfile.ZIP_DEFLATED

    @property
    def info(self) -> str:
        return f"{self.name}-{self.version}.dist-info"

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-{self.tag}.whl"

    def members(self) -> list[tuple[str, bytes]]:
        members = list(self.files.items())
        members.append(
            (
                f"{self.info}/METADATA",
                f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n{self.metadata}\nText\n".encode(),
            )
        )
        members.append((f"{self.info}/WHEEL", f"Wheel-Version: 1.0\nTag: {self.tag}\n".encode()))
        if self.entry_points:
            members.append((f"{self.info}/entry_points.txt", self.entry_points.encode()))
        rows = {name: recorded(data) for name, data in members} | self.record
        text = "".join(f'"{name}",{digest},\n' for name, digest in rows.items() if digest)
        members.append((f"{self.info}/RECORD", (text + f"{self.info}/RECORD,,\n").encode()))
        return members

    def write(self, *more: tuple[zipfile.ZipInfo, bytes]) -> tuple[Path, Dist]:
        path = self.folder / self.filename
        with zipfile.ZipFile(path, "w", self.packing) as archive:
            for name, data in self.members():
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFREG | self.modes.get(name, 0o644)) << 16
                archive.writestr(info, data, self.packing)
            for info, data in more:
                archive.writestr(info, data, self.packing)
        return path, self.dist(path)

    def dist(self, path: Path) -> Dist:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return Dist(self.name, self.version, self.filename, path.as_uri(), sha256)


@pytest.fixture
def maker(tmp_path: Path) -> WheelMaker:
    return WheelMaker(tmp_path)


@pytest.fixture
def cache(tmp_path: Path) -> FragmentCache:
    return FragmentCache(tmp_path / "fragments", compress.get("gzip"))


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv")


@pytest.fixture
def settings(tmp_path: Path, uv_cache: Path) -> Settings:
    """With a cache of its own, but for uv's: looking at an interpreter anew takes uv the better part of a second."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "uv").symlink_to(uv_cache)
    return Settings(store=tmp_path / "store", cache=tmp_path / "cache")


@pytest.fixture(scope="session")
def shared_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """With a cache that all tests of a run share: for those that ask the index."""
    root = tmp_path_factory.mktemp("shared")
    return Settings(store=root / "store", cache=root / "cache")


@pytest.fixture
def target() -> PythonTarget:
    return PythonTarget("3.13.5", "/usr/bin/python3.13", "amd64", (2, 36))


@pytest.fixture(scope="session")
def host() -> PythonTarget:
    """The Python that runs the tests, as a target."""
    version = ".".join(map(str, sys.version_info[:3]))
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    major, minor = (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.17").split()[1].split(".")[:2]
    executable = os.path.realpath(sys.executable)
    return PythonTarget(version, executable, arch, (int(major), int(minor)))


def unpack(fragment: Fragment, root: Path) -> None:
    """Write a fragment's entries below `root`, as an engine would."""
    for directory in fragment.dirs:
        (root / directory.path).mkdir(parents=True, exist_ok=True)
    for entry, data in fragment.members():
        path = root / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "symlink":
            path.symlink_to(entry.target)
        else:
            path.write_bytes(data)
            path.chmod(entry.mode)
