"""Who runs steps in tests: root, a user with a range of users of its own, and a user with nobody but itself."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import NOBODY, need, plain
from tests.e2e.kit import Home, adopt_pip_configuration
from tests.images.making import Maker
from tests.sandbox.conftest import GROUP, PASSWD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WHO = ("root", "range", "one")
FILES = {"etc/passwd": PASSWD, "etc/group": GROUP, "old/a": b"a\n", "old/b": b"b\n", "old/in/c": b"c\n"}


@contextmanager
def place_of(who: str) -> Iterator[Home]:
    """A home of one of `WHO`."""
    if os.geteuid() != 0:
        pytest.skip("only root can be all of them")
    with tempfile.TemporaryDirectory(prefix="slipway-steps-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o755)
        if who == "root":
            yield Home(root)
            return
        with _user() if who == "range" else _nobody() as uid:
            adopt_pip_configuration(root)
            yield plain(root, uid)


@contextmanager
def _nobody() -> Iterator[int]:
    yield NOBODY


@contextmanager
def _user() -> Iterator[int]:
    """A user who has 65536 others."""
    need("useradd", "newuidmap")
    name = f"slipway{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", "--user-group", name], check=True)
    try:
        uid = int(subprocess.run(["id", "-u", name], capture_output=True, check=True).stdout)
        for file in ("subuid", "subgid"):
            ranges = Path("/etc", file)
            if not ranges.exists() or f"{name}:" not in ranges.read_text():
                with ranges.open("a") as out:
                    out.write(f"{name}:{2_000_000_000}:65536\n")
        yield uid
    finally:
        subprocess.run(["userdel", name], check=False, capture_output=True)


def base_layout(
    root: Path, busybox: bytes, files: Mapping[str, bytes] = FILES, platform: str = "linux/amd64"
) -> str:
    """A base image in an OCI layout below `root`, with a busybox and some files; how recipes name it."""
    maker = Maker(root)
    tools = _tools(busybox, root)
    layer = maker.built(
        {"bin/busybox": (busybox, 0o755), **{path: (content, 0o644) for path, content in files.items()}},
        {f"bin/{tool}": "busybox" for tool in tools},
    )
    maker.image(layer, tag="base:latest", platform=platform, Env=["PATH=/bin"])
    return f"oci:{maker.store.root}:base:latest"


def _tools(busybox: bytes, root: Path) -> list[str]:
    program = root / "busybox"
    program.write_bytes(busybox)
    program.chmod(0o755)
    listed = subprocess.run([program, "--list"], capture_output=True, check=True, text=True).stdout.split()
    return [tool for tool in listed if tool != "busybox"]


def processes(words: str) -> list[int]:
    """Those that have `words` in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def scratches(home: Home) -> list[Path]:
    return [p for p in home.cache.glob("trees/*/.tmp-*") if p.is_dir()]
