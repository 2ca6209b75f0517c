"""Tiny signed Debian repositories, made on the spot and read through a `fetch` that knows no network."""

from __future__ import annotations

import atexit
import functools
import gzip
import hashlib
import lzma
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from slipway.errors import FetchError

ARCHIVE = "https://mirror.test/debian"
SECURITY = "https://mirror.test/security"
NOW = 1_790_000_000.0


@dataclass
class Key:
    """A secret key in a home of its own, and its public half as a keyring file."""

    home: Path
    keyring: Path

    def clear_sign(self, text: str, digest: str = "SHA256") -> bytes:
        return self._gpg(
            "--digest-algo",
            digest,
            "--weak-digest",
            "MD5",
            "--clearsign",
            "--output",
            "-",
            stdin=text.encode(),
        )

    def _gpg(self, *args: str, stdin: bytes = b"") -> bytes:
        argv = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--yes", *args]
        return subprocess.run(argv, input=stdin, capture_output=True, check=True).stdout


@functools.cache
def key(name: str = "archive") -> Key:
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    made = Key(home, home / "keyring.gpg")

    def remove() -> None:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)

    atexit.register(remove)
    made._gpg(
        "--passphrase", "", "--quick-generate-key", f"{name} <{name}@mirror.test>", "rsa2048", "sign", "never"
    )
    made.keyring.write_bytes(made._gpg("--export"))
    return made


def date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC)).replace("+0000", "UTC")


def package(name: str, version: str = "1.0", arch: str = "all", **fields: str) -> str:
    """A stanza; `pre_depends="a"` becomes `Pre-Depends: a`."""
    sha256 = hashlib.sha256(f"{name}_{version}".encode()).hexdigest()
    lines = [f"Package: {name}", f"Version: {version}", f"Architecture: {arch}"]
    lines += [f"{k.replace('_', '-').title()}: {v}" for k, v in fields.items()]
    lines += [f"Filename: pool/{name}_{version}_{arch}.deb", "Size: 1000", f"SHA256: {sha256}"]
    return "\n".join(lines) + "\n"


def release_text(
    codename: str,
    files: dict[str, bytes],
    *,
    suite: str = "",
    valid_until: float | None = None,
    by_hash: bool = True,
) -> str:
    lines = [
        "Origin: Debian",
        f"Suite: {suite or codename}",
        f"Codename: {codename}",
        "Version: 13.2",
        f"Date: {date(NOW - 1000)}",
        *([f"Valid-Until: {date(valid_until)}"] if valid_until is not None else []),
        *(["Acquire-By-Hash: yes"] if by_hash else []),
        "Architectures: all amd64 arm64",
        "Components: main contrib",
        "MD5Sum:",
        *(f" {hashlib.md5(d).hexdigest()} {len(d)} {p}" for p, d in files.items()),
        "SHA256:",
        *(f" {hashlib.sha256(d).hexdigest()} {len(d)} {p}" for p, d in files.items()),
    ]
    return "\n".join(lines) + "\n"


@dataclass
class Repository:
    """What the network holds, by address; `asked` is every address that was fetched."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.down or url not in self.files:
            raise FetchError(f"cannot download {url}")
        return self.files[url]

    def add(
        self,
        codename: str,
        stanzas: list[str],
        *,
        archive: str = ARCHIVE,
        arch: str = "amd64",
        suite: str = "",
        form: str = ".xz",
        valid_until: float | None = None,
        by_hash: bool = True,
        name: str = "",
        data: bytes | None = None,
    ) -> str:
        """Publish a suite; returns the address of its index. `data` replaces the packed index."""
        text = "\n".join(stanzas).encode()
        if data is None:
            data = {".xz": lzma.compress, ".gz": gzip.compress, "": bytes}[form](text)  # type: ignore[operator]
        path = f"main/binary-{arch}/Packages{form}"
        root = f"{archive}/dists/{name or codename}"
        text_of = release_text(codename, {path: data}, suite=suite, valid_until=valid_until, by_hash=by_hash)
        self.files[f"{root}/InRelease"] = key().clear_sign(text_of)
        digest = hashlib.sha256(data).hexdigest()
        url = f"{root}/main/binary-{arch}/by-hash/SHA256/{digest}" if by_hash else f"{root}/{path}"
        self.files[url] = data
        return url
