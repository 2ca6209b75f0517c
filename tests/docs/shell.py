"""A shell that is kept from one command to the next, so that `cd`, variables and `$?` work as on a page."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

LIMIT = 120.0  # seconds for one command


class Shell:
    def __init__(self, directory: Path, env: Mapping[str, str]) -> None:
        self._mark = secrets.token_hex(8)
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=dict(env),
            text=True,
            start_new_session=True,
        )

    def run(self, command: str) -> tuple[int, str]:
        """Exit status and everything that the command wrote."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watch = threading.Timer(LIMIT, self._end)
        watch.start()
        try:
            # the subshell at the end gives the next command its `$?`
            self._process.stdin.write(
                f"eval {shlex.quote(command)} </dev/null\n"
                f'status=$?; printf "\\n{self._mark} %d\\n" $status; (exit $status)\n'
            )
            self._process.stdin.flush()
            said = ""
            for line in self._process.stdout:
                if line.startswith(self._mark):
                    return int(line.split()[1]), said.removesuffix("\n")
                said += line
        finally:
            watch.cancel()
        raise TimeoutError(f"the shell ended in: {command}\n{said}")

    def _end(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=LIMIT)
        with suppress(ProcessLookupError):
            self._end()  # what a page started beside itself, and did not come to end
