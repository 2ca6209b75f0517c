"""A PostgreSQL for the tests: Debian's, started for itself in a directory of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def programs() -> Path:
    """Where `initdb` and `pg_ctl` are; installs them where that is possible, else skips the test with the reason."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(install, env=env, check=False, capture_output=True)
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        pytest.skip("PostgreSQL is not here and cannot be installed")
    return found[-1].parent


@contextmanager
def running(*, durable: bool = False) -> Iterator[str]:
    """The address of a server without databases of ours: `postgresql://postgres@127.0.0.1:PORT`. Only `durable` data reach the disk."""
    bin_ = programs()
    place = Path(tempfile.mkdtemp(prefix="slipway-pg-"))
    become: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(place, "postgres")
        become = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = place / "data"
    init: list[str | Path] = [
        bin_ / "initdb",
        "-D",
        data,
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place}"
    if not durable:
        options += " -c fsync=off"
    start: list[str | Path] = [bin_ / "pg_ctl", "-D", data, "-w", "-l", place / "log", "-o", options, "start"]
    try:
        subprocess.run([*become, *init], check=True, capture_output=True, cwd=place)
        # its output goes nowhere: the server would hold a pipe open for ever
        subprocess.run(
            [*become, *start], check=True, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        with suppress(subprocess.CalledProcessError):
            stop: list[str | Path] = [bin_ / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
            subprocess.run([*become, *stop], check=True, capture_output=True, cwd=place)
        shutil.rmtree(place, ignore_errors=True)
