"""Uploading a root file system to S3: `Client.upload_image` next to `rclone copyto`, to the same server (rclone's own) in one run.

Both read the file twice (its MD5 goes into the metadata, which S3 takes before the first byte) and send it in parts. Ours also
computes SHA-256, makes the record and the manifest, and looks at what arrived. Size in MB: the first argument, or 2000.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.client.conftest import World, running
from tests.inputs.s3d import KEY, SECRET, S3d, s3d

from slipway.client import Client
from slipway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
ENOUGH = 0.8  # of rclone's rate


def main(megabytes: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        rootfs = directory / "rootfs"
        fill(rootfs, megabytes)
        with s3d(directory) as server:
            for bucket in ("boot-images", "ims"):
                (server.root / bucket).mkdir()
            options = ("--artifacts", "s3", "--s3-endpoint", server.url)
            keys = {"SLIPWAY_SERVICE_S3_ACCESS_KEY": KEY, "SLIPWAY_SERVICE_S3_SECRET_KEY": SECRET}
            with running(directory / "service", *options, **keys) as url:
                world = World(url, server)
                settings = Settings(store=directory / "store", cache=directory / "cache")
                ways: dict[str, Callable[[], None]] = {
                    "slipway": lambda: slipway(world, settings, rootfs),
                    "rclone copyto": lambda: rclone(server, directory, rootfs),
                }
                took: dict[str, list[float]] = {way: [] for way in ways}
                for number in range(ROUNDS):  # in turn, and not always the same one first
                    for way in sorted(ways, reverse=bool(number % 2)):
                        begun = time.monotonic()
                        ways[way]()
                        took[way].append(time.monotonic() - begun)
                        empty(server)
    for way, seconds in took.items():
        rates = ", ".join(f"{megabytes / each:.0f}" for each in seconds)
        print(f"{way:14} {megabytes / statistics.median(seconds):6.0f} MB/s   ({rates})")
    ratio = statistics.median(took["rclone copyto"]) / statistics.median(took["slipway"])
    print(f"ratio {ratio:.2f} (wanted: {ENOUGH})")
    return int(ratio < ENOUGH)


def fill(path: Path, megabytes: int) -> None:
    block = os.urandom(10_000_000)
    with path.open("wb") as file:
        for _ in range(megabytes // 10):
            file.write(block)


def slipway(world: World, settings: Settings, rootfs: Path) -> None:
    with Client(world.url, s3=world.access, settings=settings) as client:
        client.upload_image("bench", rootfs=rootfs)


def rclone(server: S3d, directory: Path, rootfs: Path) -> None:
    remote = (
        f":s3,provider=Rclone,endpoint='{server.url}',access_key_id={KEY},secret_access_key={SECRET}"
        ":boot-images/bench/rootfs"
    )
    program = str(Path(sys.executable).parent / "rclone")
    command = [program, "--config", str(directory / "config"), "copyto", str(rootfs), remote]
    subprocess.run(command, check=True)


def empty(server: S3d) -> None:
    for each in (server.root / "boot-images").iterdir():
        shutil.rmtree(each)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
