"""A box: an image with a busybox, run as the user of the tests and, when that is root, as nobody, too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import isal
import pytest

import slipway
from tests.images.conftest import busybox
from tests.images.making import Maker, member

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["busybox"]

NOBODY = 65534
TOOLS = [
    "cat",
    "env",
    "hostname",
    "id",
    "kill",
    "ls",
    "mknod",
    "mkdir",
    "mount",
    "nc",
    "ps",
    "pwd",
    "rm",
    "sh",
    "sleep",
    "touch",
    "true",
    "tty",
]
PASSWD = b"root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n"
GROUP = b"root:x:0:\napp:x:1001:\nextra:x:44:app\n"


@cache
def nobodys_python() -> str:
    """An interpreter, as old as ours is, that everybody may run; empty when there is none."""
    version = tuple(sys.version_info[:2])
    check = f"import os, sys; sys.exit(sys.version_info[:2] != {version} or not os.access(sys.executable, os.X_OK))"
    for python in (sys.executable, "/usr/bin/python3"):
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", python, "-c", check]
        if (
            shutil.which("setpriv")
            and subprocess.run(command, capture_output=True, check=False).returncode == 0
        ):
            return python
    return ""


@dataclass
class Box:
    maker: Maker
    nobody: bool
    image: str = "box"

    def command(self, *argv: str, **options: Any) -> list[str]:
        python = nobodys_python() if self.nobody else sys.executable
        driver = str(Path(__file__).with_name("driver.py"))
        whole = [python, driver, str(self.maker.root), self.image, json.dumps(options), *argv]
        if not self.nobody:
            return whole
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.maker.root], check=True)
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *whole]

    @property
    def environment(self) -> dict[str, str]:
        paths = [Path(module.__file__ or "").parents[1] for module in (slipway, isal)]
        return {
            "PYTHONPATH": ":".join(map(str, paths)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.environ["PATH"],
        }

    def run(self, *argv: str, stdin: bytes = b"", **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*argv, **options),
            input=stdin,
            capture_output=True,
            check=False,
            env=self.environment,
            timeout=60,
        )

    def sh(self, script: str, **options: Any) -> str:
        done = self.run("sh", "-c", script, **options)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def within(self, shell: str, *argv: str) -> subprocess.CompletedProcess[bytes]:
        """Run after `shell` in a user namespace in which the caller is called root."""
        command = [
            "unshare",
            "--user",
            "--map-root-user",
            "sh",
            "-c",
            f'{shell}; exec "$@"',
            "sh",
            *self.command(*argv),
        ]
        return subprocess.run(command, capture_output=True, check=False, env=self.environment, timeout=60)

    def popen(self, *argv: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*argv, **options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=self.environment,
        )


def make_box(root: Path, busybox: bytes, *, nobody: bool) -> Box:
    maker = Maker(root)
    files = {"bin/busybox": (busybox, 0o755), "etc/passwd": (PASSWD, 0o644), "etc/group": (GROUP, 0o644)}
    tools = maker.built(files, {f"bin/{tool}": "busybox" for tool in TOOLS})
    maker.image(
        tools, maker.layer(member("word", b"hello\n")), tag="box:latest", Cmd=["cat", "/word"], Env=["A=1"]
    )
    return Box(maker, nobody)


@pytest.fixture
def box(made_box: Box) -> Box:
    return replace(made_box)


@pytest.fixture
def self_box(busybox: bytes) -> Iterator[Box]:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    yield from _boxes(busybox, nobody=False)


@pytest.fixture(scope="session", params=["self", "nobody"])
def made_box(request: pytest.FixtureRequest, busybox: bytes) -> Iterator[Box]:
    nobody = request.param == "nobody"
    if nobody and os.geteuid() != 0:
        pytest.skip("the tests run without root already")
    if nobody and not nobodys_python():
        pytest.skip("there is no interpreter that everybody may run")
    yield from _boxes(busybox, nobody=nobody)


def _boxes(busybox: bytes, *, nobody: bool) -> Iterator[Box]:
    # not pytest's directories: those only their owner may enter
    with tempfile.TemporaryDirectory(prefix="slipway-box-") as name:
        Path(name).chmod(0o755)
        box = make_box(Path(name), busybox, nobody=nobody)
        done = box.run("true")
        if b"cannot make a sandbox" in done.stderr:
            pytest.skip(done.stderr.decode())
        yield box
