"""An S3 server on loopback: rclone's, whose buckets are directories. It checks signatures."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY, SECRET = "AKIAcanary", "canary-secret-key"


@dataclass(frozen=True)
class S3d:
    """`root` has a directory for each bucket."""

    root: Path
    url: str

    def put(self, bucket: str, key: str, data: bytes) -> None:
        path = self.root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@contextmanager
def s3d(directory: Path) -> Iterator[S3d]:
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    if program is None:
        pytest.skip("rclone is not installed")
    root = directory / "buckets"
    root.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [program, "serve", "s3", "--addr", address, "--auth-key", f"{KEY},{SECRET}"]
    command += [
        "--dir-cache-time",
        "5ms",  # 0s would have rclone look after each directory without a pause
        "--vfs-cache-mode",
        "off",
        "--config",
        str(directory / "config"),
        str(root),
    ]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 10
        while server.poll() is None and time.monotonic() < deadline:
            with socket.socket() as connection:
                host, port = address.split(":")
                if connection.connect_ex((host, int(port))) == 0:
                    break
            time.sleep(0.02)
        if server.poll() is not None:
            pytest.skip(f"rclone does not serve S3 here: {(directory / 'log').read_text()[-300:]}")
        yield S3d(root, f"http://{address}")
    finally:
        server.terminate()
        server.wait(10)
