"""What an engine costs with its daemon and containers: each engine's processes are in a control group of their own.

Version 1 (cpuacct) and version 2 of control groups; without either, or without the right to make groups, only wall
time is measured. Memory is the sum over the group's processes: the group's own numbers count files in memory,
or come seconds late.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.model import Cost

if TYPE_CHECKING:
    from benchmarks.peers.model import Command

_ROOT = Path("/sys/fs/cgroup")
_EVERY = 0.02  # seconds between two looks at the memory
_USAGE = re.compile(r"^usage_usec (\d+)$", re.MULTILINE)
_ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB$", re.MULTILINE)


class Group:
    """The processes of one engine. `parent` is what daemons are told as the control group of their containers."""

    def __init__(self, engine: str) -> None:
        name = f"slipway-bench-{os.getpid()}/{engine}"
        self.parent = f"/{name}/containers"
        self._version2 = (_ROOT / "cgroup.controllers").exists()
        self._top = (_ROOT if self._version2 else _ROOT / "cpuacct") / name
        try:
            # in version 2 only leaves hold processes, and a parent must hand its controllers down
            for directory in (self._top.parent, self._top, self._top / "self"):
                if self._version2:
                    (directory.parent / "cgroup.subtree_control").write_text("+cpu")
                directory.mkdir(exist_ok=True)
            self._usable = True
        except OSError:
            self._usable = False

    @property
    def measures(self) -> str:
        if not self._usable:
            return "wall time only: no control groups can be made here"
        return (
            f"processor time is that of a control group (version {2 if self._version2 else 1}) with the engine's daemon and"
            f" containers; memory is the peak of their anonymous memory, looked at every {_EVERY * 1000:.0f} ms"
        )

    def inside(self, argv: list[str]) -> list[str]:
        """`argv` so that it runs in this group."""
        if not self._usable:
            return argv
        enter = f'echo $$ > {self._top}/self/cgroup.procs && exec "$@"'
        return ["/bin/sh", "-c", enter, "sh", *argv]

    def run(self, command: Command, log: Path, timeout: float) -> tuple[int, Cost]:
        """Run to its end; exit status and cost. Output goes to `log`. After `timeout` seconds it is killed."""
        before = self.cpu()
        peak = [self.memory()]
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(_EVERY):
                peak.append(max(peak.pop() or 0, self.memory() or 0))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with log.open("wb") as out:
                start = time.perf_counter()
                process = subprocess.Popen(
                    self.inside(list(command.argv)),
                    cwd=command.cwd,
                    env=dict(command.env),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                )
            # not `wait(timeout)`, which looks only every 50 ms
            alarm = threading.Timer(timeout, process.kill)
            alarm.start()
            try:
                status = process.wait()
                wall = time.perf_counter() - start
            finally:
                alarm.cancel()
                process.kill()
        finally:
            ended.set()
            watcher.join()
        after = self.cpu()
        cpu = after - before if after is not None and before is not None else None
        return status, Cost(wall, cpu, peak[0] if self._usable else None)

    def cpu(self) -> float | None:
        """Processor seconds so far, of processes that have ended too."""
        if not self._usable:
            return None
        if not self._version2:
            return int((self._top / "cpuacct.usage").read_text()) / 1e9
        found = _USAGE.search((self._top / "cpu.stat").read_text())
        return int(found[1]) / 1e6 if found else None

    def memory(self) -> int | None:
        """Bytes of anonymous memory now (proc(5), RssAnon)."""
        if not self._usable:
            return None
        statuses = (_text(Path(f"/proc/{process}/status")) for process in self._processes())
        return sum(int(found[1]) * 1024 for text in statuses if (found := _ANONYMOUS.search(text)))

    def _processes(self) -> list[int]:
        return [int(p) for file in self._top.rglob("cgroup.procs") for p in _text(file).split()]

    def close(self) -> None:
        """End whatever is left in the group, and remove it."""
        if not self._usable:
            return
        for _ in range(100):
            left = self._processes()
            if not left:
                break
            for process in left:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.05)
        below = sorted((d for d in self._top.rglob("*") if d.is_dir()), reverse=True)
        for directory in (*below, self._top, self._top.parent):
            with suppress(OSError):
                directory.rmdir()


def _text(path: Path) -> str:
    """Nothing when what it tells of has gone."""
    try:
        return path.read_text()
    except OSError:
        return ""
