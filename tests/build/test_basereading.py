"""Reading large layers in a process of its own gives what reading them here gives, errors too."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway import proc
from slipway.build import basereading
from slipway.build.basereading import read_base
from slipway.errors import InputError, StoreError, ToolError
from slipway.oci.digest import Digest
from slipway.oci.reader import Image, read_image
from tests.images.making import Maker, member, symlink


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.CompletedProcess[bytes]]:
    """The processes that were started, for layers of any size."""
    ran: list[subprocess.CompletedProcess[bytes]] = []
    real = proc.run

    def run(*args: Any, **more: Any) -> subprocess.CompletedProcess[bytes]:
        ran.append(real(*args, **more))
        return ran[-1]

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(basereading, "_LARGE", 0)
    return ran


def image(maker: Maker) -> Image:
    below = maker.layer(
        member("usr/local/bin/python3.12", mode=0o755),
        symlink("usr/local/bin/python3", "python3.12"),
        member("var/lib/dpkg/status", b"Package: libc6\nVersion: 2.36-9\n"),
        member("etc/passwd", "söme:x:0:0::/:/bin/sh\n".encode("latin-1")),
        member("noise", random.Random(0).randbytes(70_000)),
    )
    made = maker.image(below, maker.layer(member("bin/bash")), Env=["PYTHON_VERSION=3.12.7"])
    return read_image(maker.store, made)


def indexes(maker: Maker) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (maker.store.root / "indexes").iterdir()}


def test_another_process_finds_the_same(
    maker: Maker, ran: list[subprocess.CompletedProcess[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = image(maker)
    apart = read_base(maker.store, base.blobs, base.config, "base", 2)
    assert len(ran) == 1
    assert (apart.python, apart.glibc, apart.shell) == (
        ("3.12.7", "/usr/local/bin/python3.12"),
        "2.36",
        "bash",
    )
    left = indexes(maker)
    for path in (maker.store.root / "indexes").iterdir():
        path.unlink()
    monkeypatch.setattr(basereading, "_LARGE", 1 << 40)
    assert read_base(maker.store, base.blobs, base.config, "base", 2) == apart
    assert indexes(maker) == left
    assert len(ran) == 1


def test_its_errors_are_told_as_ours(maker: Maker, ran: list[subprocess.CompletedProcess[bytes]]) -> None:
    base = image(maker)
    other = {**base.config, "rootfs": {"diff_ids": [Digest("sha256:" + "0" * 64)] * 2}}
    with pytest.raises(InputError, match="the base image my-base holds other layers than its configuration"):
        read_base(maker.store, base.blobs, other, "my-base", 2)
    for path in (maker.store.root / "indexes").iterdir():
        path.unlink()
    blob = maker.store.path(base.blobs[0].digest)
    data = blob.read_bytes()
    blob.write_bytes(data[:-9])
    with pytest.raises((InputError, StoreError)):
        read_base(maker.store, base.blobs, base.config, "base", 2)
    assert not ran


def test_nobody_needs_it(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ToolError("no processes here")

    monkeypatch.setattr(basereading, "_LARGE", 0)
    monkeypatch.setattr(proc, "run", refuse)
    base = image(maker)
    assert read_base(maker.store, base.blobs, base.config, "base", 2).glibc == "2.36"
