"""Slipway in processes that are made in no time: everything is imported already, and each is a fork.

A process that starts from nothing spends half of a short build importing, where there is nothing to be broken.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from tests.e2e.kit import Home

_SERVE = """
import importlib, json, os, pkgutil, sys
import slipway
from slipway.cli.main import run
for module in pkgutil.walk_packages(slipway.__path__, "slipway."):
    # pyATS is not here, and the service is of no use in builds
    if module.name != "slipway.pyats.plugin" and not module.name.startswith("slipway.service"):
        importlib.import_module(module.name)
import httpx2, isal.isal_zlib, packaging.requirements, ssl, yaml
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        said = os.open(os.environ["SAID"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os._exit(run(json.loads(line)))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Runs the commands of one home, one at a time."""

    def __init__(self, home: Home) -> None:
        self._said = home.root / "said"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=home.env | {"SAID": str(self._said)},
        )

    def __enter__(self) -> Self:
        assert self._read() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)

    def run(self, *argv: str | os.PathLike[str], kill_after: float | None = None) -> int:
        """The status of the command, which is `-SIGKILL` when it was still at work after so many seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([os.fspath(a) for a in argv]) + "\n")
        self._process.stdin.flush()
        child = int(self._read())
        if kill_after is not None:
            time.sleep(kill_after)
            # one that has ended is a zombie or gone, and its number is not given again so soon
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return int(self._read())

    def seconds(self, *argv: str | os.PathLike[str]) -> float:
        """How long the command takes, which must succeed."""
        began = time.monotonic()
        assert self.run(*argv) == 0, self.said
        return time.monotonic() - began

    @property
    def said(self) -> str:
        """All that the last command wrote."""
        return self._said.read_text()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
