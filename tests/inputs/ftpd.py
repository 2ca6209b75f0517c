"""Real FTP servers on loopback: pyftpdlib, which any user can run, and vsftpd, which insists on TLS sessions."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.registry.real import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "me", "p@ss word"


@dataclass(frozen=True)
class Ftpd:
    """What is in `root` may be read anonymously and as USER; with `ca`, only through TLS with a certificate of that."""

    root: Path
    port: int
    log: Path
    ca: Path | None = None

    def url(self, path: str, login: str = "") -> str:
        scheme = "ftps" if self.ca else "ftp"
        return f"{scheme}://{login}{'@' if login else ''}127.0.0.1:{self.port}/{path}"

    def commands(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@contextmanager
def ftpd(directory: Path, *, tls: bool = False) -> Iterator[Ftpd]:
    root = directory / "root"
    root.mkdir(parents=True)
    log = directory / "log"
    certificates = []
    if tls:
        make_certificates(directory)
        certificates = [str(directory / "server.pem"), str(directory / "server.key")]
    command = [sys.executable, str(Path(__file__).with_name("ftpd_program.py")), str(root), str(log)]
    with (
        (directory / "errors").open("wb") as errors,
        subprocess.Popen([*command, *certificates], stdout=subprocess.PIPE, stderr=errors) as server,
    ):
        try:
            assert server.stdout
            port = int(server.stdout.readline() or 0)
            assert port, (directory / "errors").read_text()
            yield Ftpd(root, port, log, directory / "ca.pem" if tls else None)
        finally:
            server.terminate()


@contextmanager
def vsftpd() -> Iterator[Ftpd]:
    """Anonymous, with TLS; a connection for data must continue the session of the one for commands."""
    if os.geteuid() != 0:
        pytest.skip("vsftpd needs root")
    if shutil.which("vsftpd") is None:
        command = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "vsftpd"]
        subprocess.run(command, capture_output=True, check=False)
    if shutil.which("vsftpd") is None:
        pytest.skip("vsftpd is not installed, and cannot be")
    # the server changes to another user, who cannot enter pytest's directories
    with tempfile.TemporaryDirectory(prefix="slipway-vsftpd-", dir="/run") as name:
        directory = Path(name)
        directory.chmod(0o755)
        root = directory / "root"
        (directory / "empty").mkdir(mode=0o755)
        root.mkdir(mode=0o755)
        make_certificates(directory)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        lines = [
            "listen=YES",
            "listen_ipv6=NO",
            "listen_address=127.0.0.1",
            f"listen_port={port}",
            "background=NO",
            "anonymous_enable=YES",
            "local_enable=NO",
            f"anon_root={root}",
            f"secure_chroot_dir={directory}/empty",
            "seccomp_sandbox=NO",
            "isolate=NO",
            "isolate_network=NO",
            "ssl_enable=YES",
            "allow_anon_ssl=YES",
            "force_anon_logins_ssl=YES",
            "force_anon_data_ssl=YES",
            "require_ssl_reuse=YES",
            f"rsa_cert_file={directory}/server.pem",
            f"rsa_private_key_file={directory}/server.key",
            "log_ftp_protocol=YES",
            "xferlog_enable=YES",
            f"vsftpd_log_file={directory}/log",
        ]
        config = directory / "vsftpd.conf"
        config.write_text("\n".join(lines) + "\n")
        server = subprocess.Popen(
            ["vsftpd", str(config)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline and server.poll() is None:
                with socket.socket() as connection:
                    if connection.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield Ftpd(root, port, directory / "log", directory / "ca.pem")
        finally:
            server.terminate()
            server.wait(5)
