from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from slipway import proc
from slipway.python import uvrun
from slipway.python.index import Index
from slipway.settings import Settings
from tests.inputs.server import Server

RACE = """
import sys, threading
from slipway.python.uvrun import binary

sys.setswitchinterval(1e-6)
start = threading.Barrier(4)
failed = []

def look():
    start.wait()
    try:
        binary()
    except Exception as error:
        failed.append(error)

threads = [threading.Thread(target=look) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(bool(failed))
"""


def test_uv_is_found_by_many_threads_at_once() -> None:
    """As with a lock and two source distributions, when nothing was resolved before."""
    assert [subprocess.run([sys.executable, "-c", RACE], check=False).returncode for _ in range(5)] == [0] * 5


def test_the_default_index_is_asked_for_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(argv: list[str], **more: Any) -> subprocess.CompletedProcess[bytes]:
        ran.append([str(a) for a in argv])
        return real(argv, **more)

    real = proc.run
    monkeypatch.setattr(proc, "run", run)
    answers = [uvrun.run(["--version"], Index(), settings).stdout for _ in range(2)]
    assert answers[0] == answers[1] != b""
    assert ["--emit-index-url" in argv for argv in ran] == [True, False, False]
    ran.clear()
    uvrun.run(["--version"], Index(default="http://127.0.0.1:1/simple"), settings)
    assert len(ran) == 1


def test_what_uv_says_of_requests_is_heard_and_no_part_of_its_output(settings: Settings) -> None:
    heard: list[str] = []
    server = Server()
    try:
        index = Index(default=server.url("/simple"))
        done = uvrun.run(
            ["pip", "compile", "-"], index, settings, stdin=b"app\n" * 20_000, heard=heard.append
        )
        address = server.url("/simple/app/")
    finally:
        server.stop()
    assert f"DEBUG Sending fresh GET request for: {address}" in heard
    assert b"DEBUG" not in done.stderr
    assert b"app was not found" in done.stderr
    assert done.returncode == 1
