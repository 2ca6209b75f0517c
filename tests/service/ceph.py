"""A Ceph for the tests: one monitor, one OSD, and its S3 gateway on loopback. The real thing, where rclone's server has its limits.

Debian's packages, run as root without systemd, with data in memory. Tests that use it are marked `slow`: it takes 15 s to start.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.registry.real import make_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY, SECRET = "AKTEST", "SKTESTSECRET"
_PACKAGES = ("ceph-mon", "ceph-osd", "radosgw", "ceph-common")
_CONFIG = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon},v1:127.0.0.1:{old}]
mon initial members = a
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
keyring = {place}/keyring
run dir = {place}/run
admin socket = {place}/run/$name.asok
log file = {place}/log/$name.log
pid file = {place}/run/$name.pid
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
ms bind ipv6 = false
osd class update on start = false
[mon]
mon data = {place}/mon
[osd]
osd data = {place}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd op num shards = 2
[client.rgw]
rgw data = {place}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port} ssl_endpoint=127.0.0.1:{tls} ssl_certificate={place}/server.pem ssl_private_key={place}/server.key
rgw dns name = localhost
rgw enable usage log = false
rgw thread pool size = 32
"""


@dataclass(frozen=True)
class Ceph:
    """`url` is that of the S3 gateway, for `KEY` and `SECRET`; `secure` the same over TLS, signed by `ca`."""

    url: str
    secure: str
    ca: Path


@contextmanager
def running() -> Iterator[Ceph]:
    _install()
    place = Path(tempfile.mkdtemp(prefix="slipway-ceph-"))
    try:
        yield _start(place)
    finally:
        _stop(place)
        shutil.rmtree(place, ignore_errors=True)


def _install() -> None:
    """Skips the test where the programs are not and cannot be installed."""
    if os.geteuid() != 0:
        pytest.skip("Ceph needs root here")
    if not shutil.which("radosgw") and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, env=env, check=False, capture_output=True)
    if not all(shutil.which(each) for each in ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin")):
        pytest.skip("Ceph is not here and cannot be installed")


def _start(place: Path) -> Ceph:
    for name in ("mon", "osd", "rgw", "log", "run"):
        (place / name).mkdir()
    make_certificates(place)
    fsid, mon, old, port, tls = str(uuid.uuid4()), _port(), _port(), _port(), _port()
    (place / "ceph.conf").write_text(
        _CONFIG.format(fsid=fsid, mon=mon, old=old, port=port, tls=tls, place=place)
    )

    def run(*command: str) -> str:
        env = {**os.environ, "CEPH_CONF": str(place / "ceph.conf")}
        # what daemons inherit goes nowhere: they would hold a pipe open for ever
        with (place / "log" / "commands").open("ab") as log, (place / "out").open("w+b") as out:
            done = subprocess.run(
                command,
                env=env,
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                timeout=60,
                check=False,
            )
            out.seek(0)
            answer = out.read().decode()
        if done.returncode:
            pytest.skip(f"Ceph does not start here: {' '.join(command)[:100]}")
        return answer

    caps = {
        "mon.": ("mon", "allow *"),
        "client.admin": ("mon", "allow *", "osd", "allow *", "mgr", "allow *", "mds", "allow *"),
        "client.rgw": ("mon", "allow rw", "osd", "allow rwx"),
        "osd.0": ("mon", "allow profile osd", "osd", "allow *"),
    }
    for number, (name, allowed) in enumerate(caps.items()):
        pairs = zip(allowed[::2], allowed[1::2], strict=True)
        options = [word for pair in pairs for word in ("--cap", *pair)]
        create = ["--create-keyring"] if number == 0 else []
        run("ceph-authtool", *create, "keyring", "--gen-key", "-n", name, *options)
    run(
        "monmaptool",
        "--create",
        "--clobber",
        "--fsid",
        fsid,
        "--addv",
        "a",
        f"[v2:127.0.0.1:{mon},v1:127.0.0.1:{old}]",
        "monmap",
    )
    run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap", "--keyring", "keyring")
    run("ceph-mon", "-i", "a")
    osd = str(uuid.uuid4())
    run("ceph", "osd", "new", osd)
    run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
    run("ceph-osd", "-i", "0")
    _until(lambda: "1 up" in run("ceph", "osd", "stat"))
    run("radosgw", "-n", "client.rgw")
    _until(lambda: _answers(port))
    run(
        "radosgw-admin",
        "user",
        "create",
        "--uid=ims",
        "--display-name=IMS",
        f"--access-key={KEY}",
        f"--secret-key={SECRET}",
    )
    return Ceph(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls}", place / "ca.pem")


def _stop(place: Path) -> None:
    for name in ("client.rgw", "osd.0", "mon.a"):
        with suppress(OSError, ValueError):
            process = int((place / "run" / f"{name}.pid").read_text())
            os.kill(process, signal.SIGKILL)  # its data are thrown away
            _until(lambda process=process: not Path(f"/proc/{process}").exists(), 10)  # type: ignore[misc]


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.skip("Ceph does not start here in time")
        time.sleep(0.1)


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
