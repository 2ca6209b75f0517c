from __future__ import annotations

import subprocess
import sys

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
