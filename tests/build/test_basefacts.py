"""What is found in base images as people make them: official ones, Debian's, Conda's, Red Hat's, Alpine's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.build.base import open_base
from slipway.build.basefacts import Facts
from slipway.build.model import Options
from slipway.events import Reporter
from slipway.oci.store import Store
from slipway.recipe.model import LayoutBase, Platform
from tests.images.making import Maker, Member, folder, hardlink, member, symlink

if TYPE_CHECKING:
    from pathlib import Path

OFFICIAL = [
    symlink("bin", "usr/bin"),
    member("usr/bin/bash"),
    member("usr/local/bin/python3.12", mode=0o755),
    symlink("usr/local/bin/python3", "python3.12"),
    member("usr/bin/python3.11"),
    symlink("usr/bin/python3", "python3.11"),
]
STATUS = b"""Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u7

Package: python3.11-minimal
Status: install ok installed
Version: 3.11.2-6+deb12u3
Description: stands in
 Version: 9.9

Package: tzdata
Version: 1:2024a-0+deb12u1
"""
DEBIAN = [
    symlink("bin", "usr/bin"),
    member("bin/sh"),
    member("usr/bin/python3.11"),
    symlink("usr/bin/python3", "python3.11"),
    member("var/lib/dpkg/status", STATUS),
]
GLIBC = b"\x7fELF\0\0GNU C Library (GNU libc) stable release version 2.34.\nCopyright (C) 2021\0"
REDHAT8 = [
    symlink("usr/bin/python3", "/etc/alternatives/python3"),
    symlink("etc/alternatives/python3", "/usr/libexec/platform-python"),
    symlink("usr/libexec/platform-python", "./platform-python3.6"),
    member("usr/libexec/platform-python3.6"),
    symlink("lib64", "usr/lib64"),
    symlink("usr/lib64/libc.so.6", "libc-2.28.so"),
    member("usr/lib64/libc-2.28.so"),
]
CONDA = [
    member("opt/conda/bin/python3.11"),
    symlink("opt/conda/bin/python3", "python3.11"),
    member("opt/conda/conda-meta/python-3.11.9-h955ad1f_0.json", b"{}"),
    member("opt/conda/conda-meta/python-dateutil-2.9.0-0.json", b"{}"),
    *DEBIAN,
]
UV = [
    symlink(
        "usr/local/bin/python3", "/root/.local/share/uv/python/cpython-3.13.5-linux-x86_64-gnu/bin/python3.13"
    ),
    member("root/.local/share/uv/python/cpython-3.13.5-linux-x86_64-gnu/bin/python3.13"),
]
DEFAULT = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "made")


def facts(
    maker: Maker, *layers: list[Member], env: tuple[str, ...] = (), platform: str = "linux/amd64"
) -> Facts:
    maker.image(
        *(maker.layer(*members) for members in layers), tag="base:1", platform=platform, Env=list(env)
    )
    arch = platform.partition("/")[2]
    settings = replace(maker.settings, cache=maker.root / "own-cache")
    base = LayoutBase(maker.store.root, "base:1")
    store = Store(maker.root / "own-store")
    return open_base(base, Platform(arch), store, settings, Reporter(), Options()).facts


PYTHONS = {
    "official": (
        OFFICIAL,
        (f"PATH={DEFAULT}", "PYTHON_VERSION=3.12.7"),
        ("3.12.7", "/usr/local/bin/python3.12"),
    ),
    "official, another version": (
        OFFICIAL,
        ("PYTHON_VERSION=3.11.4",),
        ("3.12", "/usr/local/bin/python3.12"),
    ),
    "official, beta": (OFFICIAL, ("PYTHON_VERSION=3.12.0b1",), ("3.12", "/usr/local/bin/python3.12")),
    "official, without PATH": (OFFICIAL, (), ("3.12", "/usr/local/bin/python3.12")),
    "first of PATH": (
        OFFICIAL,
        ("PATH=/bin:/usr/local/bin", "PYTHON_VERSION=3.12.7"),
        ("3.11", "/usr/bin/python3.11"),
    ),
    "Debian": (DEBIAN, (f"PATH={DEFAULT}",), ("3.11.2", "/usr/bin/python3.11")),
    "Debian, PYTHON_VERSION": (DEBIAN, ("PYTHON_VERSION=3.11.9",), ("3.11.2", "/usr/bin/python3.11")),
    "Red Hat": (REDHAT8, (), ("3.6", "/usr/libexec/platform-python3.6")),
    "Conda": (CONDA, (f"PATH=/opt/conda/bin:{DEFAULT}",), ("3.11.9", "/opt/conda/bin/python3.11")),
    "Conda, not in PATH": (CONDA, (f"PATH={DEFAULT}",), ("3.11.2", "/usr/bin/python3.11")),
    "uv": (
        UV,
        (),
        ("3.13.5", "/root/.local/share/uv/python/cpython-3.13.5-linux-x86_64-gnu/bin/python3.13"),
    ),
    "known by its library": (
        [member("opt/py/bin/python3"), member("opt/py/lib/python3.10/os.py")],
        ("PATH=relative:/opt/py/bin", "PYTHON_VERSION=3.10.1"),
        ("3.10.1", "/opt/py/bin/python3"),
    ),
    "hard link": (
        [
            member("usr/bin/python3.9"),
            hardlink("usr/bin/python3", "usr/bin/python3.9"),
            member("usr/lib/python3.9/os.py"),
        ],
        (),
        ("3.9", "/usr/bin/python3"),
    ),
    "none": ([member("bin/sh")], (), None),
    "no program": ([folder("usr/bin/python3"), symlink("bin/python3", "gone")], (), None),
}


@pytest.mark.parametrize("what", PYTHONS)
def test_python(maker: Maker, what: str) -> None:
    members, env, python = PYTHONS[what]
    found = facts(maker, list(members), env=env)
    assert (found.python, found.unfit) == (python, "")


UNFIT = {
    "PyPy": ([symlink("usr/bin/python3", "/opt/pypy/bin/pypy3.10"), member("opt/pypy/bin/pypy3.10")], "PyPy"),
    "free-threaded": (
        [symlink("usr/bin/python3", "python3.13t"), member("usr/bin/python3.13t")],
        "global lock",
    ),
    "a shim": ([member("usr/bin/python3", b"#!/bin/sh\n")], "cannot be told"),
    "musl": ([*OFFICIAL, member("lib/ld-musl-x86_64.so.1")], "musl"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_pythons_that_no_packages_can_be_chosen_for(maker: Maker, what: str) -> None:
    members, reason = UNFIT[what]
    assert reason in facts(maker, list(members)).unfit


def test_musl_beside_glibc_does_not_matter(maker: Maker) -> None:
    assert facts(maker, [*DEBIAN, member("lib/ld-musl-x86_64.so.1")]).unfit == ""


@pytest.mark.parametrize(
    ("members", "platform", "version"),
    [
        (DEBIAN, "linux/amd64", "2.36"),
        (REDHAT8, "linux/amd64", "2.28"),
        ([member("usr/lib/aarch64-linux-gnu/libc.so.6", GLIBC)], "linux/arm64", "2.34"),
        ([member("usr/lib/aarch64-linux-gnu/libc.so.6", GLIBC)], "linux/amd64", ""),
        ([symlink("lib64", "usr/lib64"), member("usr/lib64/libc.so.6", GLIBC)], "linux/amd64", "2.34"),
        ([member("usr/lib64/libc.so.6", b"something else")], "linux/amd64", ""),
    ],
)
def test_the_c_library(maker: Maker, members: list[Member], platform: str, version: str) -> None:
    assert facts(maker, members, platform=platform).glibc == version


def test_upper_layers_hide_lower_ones(maker: Maker) -> None:
    upper = [
        member("usr/local/bin/.wh.python3"),
        member("usr/bin/.wh.bash"),
        folder("usr", 0o711),
        member("etc/passwd", b"crew:x:7:7::/:\n"),
    ]
    lower = [*OFFICIAL, folder("usr", 0o755), member("etc/passwd", b"root:x:0:0::/:\n"), member("usr/bin/sh")]
    found = facts(maker, lower, upper, env=("PYTHON_VERSION=3.12.7",))
    assert found.python == ("3.11", "/usr/bin/python3.11")
    assert found.shell == "sh"
    assert found.dirs["usr"].mode == 0o711
    assert found.accounts == {"etc/passwd": "crew:x:7:7::/:\n"}


def test_files_behind_links_are_read_too(maker: Maker) -> None:
    members = [
        symlink("etc/passwd", "../usr/etc/passwd"),
        member("usr/etc/passwd", b"crew:x:7:7::/:\n"),
        member("usr/lib/dpkg/status", STATUS),
        hardlink("var/lib/dpkg/status", "usr/lib/dpkg/status"),
    ]
    found = facts(maker, members)
    assert found.accounts == {"etc/passwd": "crew:x:7:7::/:\n"}
    assert found.glibc == "2.36"


@pytest.mark.parametrize(
    ("members", "init"),
    [
        ([member("usr/bin/tini", mode=0o755)], "/usr/bin/tini"),
        ([symlink("bin", "usr/bin"), member("usr/bin/tini-static", mode=0o755)], "/usr/bin/tini-static"),
        ([symlink("sbin", "usr/bin"), member("usr/bin/tini", mode=0o755)], "/usr/bin/tini"),
        ([member("sbin/tini", mode=0o755)], "/sbin/tini"),
        ([symlink("sbin/tini", "../opt/tini"), member("opt/tini", mode=0o755)], "/sbin/tini"),
        ([symlink("sbin/tini", "../opt/none")], ""),
        ([member("usr/bin/tini", mode=0o644)], ""),
        ([folder("usr/bin/tini")], ""),
        ([member("opt/tini", mode=0o755)], ""),
    ],
)
def test_the_init(maker: Maker, members: list[Member], init: str) -> None:
    assert facts(maker, members).init == init
