"""A real OpenSSH server on loopback, with a host key and a user's key of its own."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAMS = ("ssh", "scp", "sftp")


@dataclass(frozen=True)
class Sshd:
    """`key` may log in as `user`, and is known by `known_hosts` under `host` and `port`; all files are below `root`."""

    root: Path
    port: int
    user: str
    host: str = "127.0.0.1"

    @property
    def key(self) -> Path:
        return self.root / "id"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def log(self) -> str:
        return (self.root / "log").read_text()

    def url(self, path: str | Path, scheme: str = "ssh") -> str:
        """`SCHEME://USER@HOST:PORT/PATH`; the path is absolute."""
        return f"{scheme}://{self.user}@{self.host}:{self.port}{path}"

    def client(self, directory: Path, *, key: bool = True, known_hosts: Path | None = None) -> Path:
        """A directory for the front of PATH, whose ssh, scp and sftp know no files of the person who runs the tests.

        With `key` they log in with it by themselves; `known_hosts` replaces the right one. OpenSSH takes the home
        directory from the system's list of users, so that HOME alone changes nothing.
        """
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "ssh_config"
        lines = [
            "Host *",
            f"  UserKnownHostsFile {known_hosts or self.known_hosts}",
            "  GlobalKnownHostsFile /dev/null",
            "  UpdateHostKeys no",
            f"  IdentityFile {self.key if key else '/dev/null'}",
            "  IdentityAgent none",
        ]
        config.write_text("\n".join(lines) + "\n")
        for name in _PROGRAMS:
            shim = directory / name
            shim.write_text(f'#!/bin/sh\nexec {shutil.which(name)} -F {shlex.quote(str(config))} "$@"\n')
            shim.chmod(0o755)
        return directory


@contextmanager
def sshd(root: Path, *, settings: tuple[str, ...] = ()) -> Iterator[Sshd]:
    """Start a server that keeps everything in `root`; `settings` are more lines of its configuration.

    It hands no environment on, so that git speaks its oldest protocol; `AcceptEnv GIT_PROTOCOL` changes that. Skips the
    test where no server can be installed.
    """
    program = installed()
    root.mkdir(parents=True, exist_ok=True)
    made = Sshd(root, _free_port(), getpass.getuser())
    for name in ("host", "id"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(root / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    shutil.copy(root / "id.pub", root / "authorized_keys")
    kind, public, *_ = (root / "host.pub").read_text().split()
    made.known_hosts.write_text(f"[{made.host}]:{made.port} {kind} {public}\n")
    lines = [
        *settings,
        f"Port {made.port}",
        f"ListenAddress {made.host}",
        f"HostKey {root}/host",
        f"PidFile {root}/pid",
        f"AuthorizedKeysFile {root}/authorized_keys",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        *(
            []
            if any(line.startswith("Subsystem ") for line in settings)
            else ["Subsystem sftp internal-sftp"]
        ),
    ]
    (root / "config").write_text("\n".join(lines) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = subprocess.Popen(
        [program, "-D", "-f", root / "config", "-E", root / "log"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(server, made)
        yield made
    finally:
        server.terminate()
        server.wait(10)


@cache
def installed() -> str:
    """The path of the server, installed when it is missing and this is root."""
    if shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") is None and os.geteuid() == 0:
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "openssh-server"]
        subprocess.run([*command, "openssh-client"], capture_output=True, check=False)
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("sshd is not installed, and cannot be")
    return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], made: Sshd) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as connection:
            if connection.connect_ex((made.host, made.port)) == 0:
                return
        time.sleep(0.01)
    pytest.skip(f"sshd does not start here: {made.log[-500:]}")
