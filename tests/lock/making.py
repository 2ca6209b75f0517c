"""Locks made up for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from slipway.distro.model import Deb, DebianResolution
from slipway.lock.model import Lock, LockedBase, LockedFile, LockedPlatform, LockedRepository
from slipway.lock.pylockfile import render
from slipway.python.model import Dist, PythonResolution, PythonTarget

ARCHIVE = "https://mirror.example.org/debian"
TARGET = PythonTarget("3.13.5", "/usr/bin/python3.13", "amd64", (2, 41))
RECIPE: dict[str, Any] = {
    "base": {"debian": "trixie", "variant": "minbase"},
    "workspace": "/pyats",
    "packages": ["demo"],
    "files": [{"dest": "a b", "source": "./a b"}, {"dest": "data", "source": "data"}],
    "repositories": [{"dest": "src", "url": "https://git.example.org/src", "commit": "v1"}],
}


def deb(name: str, version: str = "1.0-1", **more: Any) -> Deb:
    path = f"pool/main/{name}_{version}.deb"
    given: dict[str, Any] = {
        "arch": "amd64",
        "filename": path,
        "url": f"{ARCHIVE}/{path}",
        "sha256": "a" * 64,
        "size": 10,
    }
    return Deb(name, version, **(given | more))


def dist(name: str, version: str = "1.0", **more: Any) -> Dist:
    filename = f"{name}-{version}-py3-none-any.whl"
    given: dict[str, Any] = {
        "filename": filename,
        "url": f"https://index.example.org/{filename}",
        "sha256": "b" * 64,
        "size": 7,
    }
    return Dist(name, version, **(given | more))


def resolution(*dists: Dist) -> PythonResolution:
    return PythonResolution(dists, ("demo", "pip"), render(dists, TARGET))


def debian(*debs: Deb, apt: tuple[Deb, ...] = ()) -> DebianResolution:
    sources = (
        (ARCHIVE, ("trixie", "trixie-updates")),
        ("https://security.example.org", ("trixie-security",)),
    )
    return DebianResolution(
        "stable", "trixie", "13.2", 1_700_000_000, sources, ("main",), debs, apt, ("bash",)
    )


ODD = deb(
    "openssl",
    "3.5.1-1+deb13u1",
    url="https://security.example.org/pool/openssl.deb",
    source="openssl-src",
    source_version="3.5.1-1",
    multi_arch="foreign",
    priority="required",
    installed_size=12,
    essential=True,
)
DEBIAN = debian(deb("bash"), ODD, apt=(deb("git", "1:2.47.3-0"),))
PYTHON = resolution(
    dist("demo"), dist("old", filename="old-1.0.tar.gz", url="https://x.example.org/get/7", sdist=True)
)
FILES = (
    LockedFile("a b", "./a b", "file", "c" * 64, 3, 0o755),
    LockedFile("data", "data", "tree", "d" * 64, 0, 0o755),
)
REPOSITORIES = (
    LockedRepository("src", "https://git.example.org/src", "1" * 40, "e" * 64, 9, ("main", "x/y"), ("v1",)),
)


def lock(**more: Any) -> Lock:
    """For one platform, with everything that a lock on Debian may hold; `more` replaces fields of the platform."""
    platform = LockedPlatform(
        "linux/amd64", DEBIAN, python=PYTHON, target=TARGET, files=FILES, repositories=REPOSITORIES
    )
    return Lock(RECIPE, (replace(platform, **more),), "isal-1-1", 1_600_000_000)


def image_lock() -> Lock:
    """On a base image, for another platform, with little in it."""
    recipe = {"base": {"image": "python:3.12"}, "workspace": "/w"}
    base = LockedBase("python:3.12", "sha256:" + "e" * 64)
    return Lock(recipe, (LockedPlatform("linux/arm64", base=base),), "zstd-1")
