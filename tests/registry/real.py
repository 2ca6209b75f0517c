"""A real registry (Debian's `docker-registry`, the distribution project's 2.8) on loopback, for tests."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "crew", "s3cret"
_HTPASSWD = f"{USER}:$2a$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n"  # bcrypt of PASSWORD


@dataclass(frozen=True)
class RealRegistry:
    """`host` is `127.0.0.1:PORT`. `user` and `password` are empty for an anonymous registry; `ca` is the PEM file of
    the authority that signed its certificate, None for a registry without TLS.
    """

    host: str
    root: Path
    user: str = ""
    password: str = ""
    ca: Path | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.ca else 'http'}://{self.host}"

    def docker_config(self, directory: Path) -> Path:
        """A directory for DOCKER_CONFIG that holds the login to this registry."""
        from base64 import b64encode

        directory.mkdir(parents=True, exist_ok=True)
        auth = b64encode(f"{self.user}:{self.password}".encode()).decode()
        (directory / "config.json").write_text(json.dumps({"auths": {self.host: {"auth": auth}}}))
        return directory

    def blob_path(self, digest: str) -> Path:
        """Where the registry keeps a blob."""
        name = digest.removeprefix("sha256:")
        return self.root / "data/docker/registry/v2/blobs/sha256" / name[:2] / name / "data"


@contextmanager
def running(root: Path, *, login: bool = False, tls: bool = False) -> Iterator[RealRegistry]:
    """Start a registry that keeps everything in `root`; skips the test where none can be installed."""
    program = installed()
    root.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    # JSON is YAML
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {
            "filesystem": {"rootdirectory": str(root / "data")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if login:
        (root / "htpasswd").write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(root / "htpasswd")}}
    if tls:
        make_certificates(root)
        config["http"]["tls"] = {"certificate": str(root / "server.pem"), "key": str(root / "server.key")}
    (root / "config.yml").write_text(json.dumps(config))
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(root / "config.yml")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"]},  # REGISTRY_* variables would change the configuration
        )
    try:
        _wait(process, port, root)
        yield RealRegistry(
            f"127.0.0.1:{port}",
            root,
            USER if login else "",
            PASSWORD if login else "",
            root / "ca.pem" if tls else None,
        )
    finally:
        process.terminate()
        process.wait(10)


@cache
def installed() -> str:
    """The path of the program, installed when it is missing and this is root."""
    if shutil.which("docker-registry") is None and os.geteuid() == 0:
        subprocess.run(
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "docker-registry"],
            capture_output=True,
            check=False,
        )
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed, and cannot be")
    return program


def make_certificates(root: Path) -> None:
    """`ca.pem`, and `server.pem` with `server.key` for 127.0.0.1 and localhost, signed by that authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = dt.datetime.now(dt.UTC)
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def builder(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    ca = (
        builder("test authority", authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    leaf = (
        builder("test server", server)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
        .sign(authority, hashes.SHA256())
    )
    (root / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (root / "server.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    (root / "server.key").write_bytes(
        server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, root: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise RuntimeError(f"the registry does not start: {(root / 'log').read_text()[-500:]}")
