"""The command line in this process, in a process of its own, and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import slipway
from slipway.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = str(Path(slipway.__file__).parents[1])
MAIN = "from slipway.cli.main import main; main()"


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: no configuration, store or cache of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(("SLIPWAY_", "XDG_")) or name in ("NO_COLOR", "CI", "SOURCE_DATE_EPOCH"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PYTHONPATH", SOURCE)
    return tmp_path


@pytest.fixture
def call(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command line here, so that tests may replace what it calls."""

    def run_it(*argv: str) -> Outcome:
        capsys.readouterr()
        status = run(argv)
        said = capsys.readouterr()
        return Outcome(status, said.out, said.err)

    return run_it


def command(*argv: str) -> list[str]:
    return [sys.executable, "-c", MAIN, *argv]


@pytest.fixture
def spawn(home: Path) -> Callable[..., Outcome]:
    """Run the command line as a process."""

    def run_it(*argv: str, code: str = MAIN) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-c", code, *argv], capture_output=True, text=True, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run_it


def on_terminal(argv: list[str], *, seconds: float = 20) -> tuple[int, str]:
    """Run a program on a terminal of its own; its status and all that it wrote."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(argv[0], argv)
    written = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end and select.select([terminal], [], [], end - time.monotonic())[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), written.decode()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "image.yaml"
    path.write_text("tag: hello\nbase: scratch\n")
    return path
