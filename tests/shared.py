"""What takes long to make is made once in a run, whatever the number of workers."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACE = "SLIPWAY_TESTS_SHARED"


def name_place(base: Path) -> None:
    """`base` is where pytest has this worker's directories: what all share is beside it, and goes with them."""
    os.environ[_PLACE] = str(base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base)


@cache
def place() -> Path:
    """The directory of this run; a passing one where there are no tests (benchmarks)."""
    if given := os.environ.get(_PLACE):
        return Path(given)
    path = Path(tempfile.mkdtemp(prefix="slipway-shared-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def remove(path: Path) -> None:
    """All below, quickly: Python's own way takes half a minute for a Docker that has a few images."""
    subprocess.run(["rm", "-rf", "--", *path.iterdir()], check=False, capture_output=True)


@contextmanager
def alone(name: str) -> Iterator[Path]:
    """The shared directory of that name, which no other worker uses until the block ends."""
    path = place() / name
    path.mkdir(exist_ok=True)
    with (place() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
