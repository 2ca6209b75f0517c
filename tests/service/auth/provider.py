"""A real OpenID provider (`oidc-provider` for Node), installed from npm into a cache outside the tree."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = "oidc-provider@9"


def _installed() -> Path:
    """Where the provider's modules are; skips the test with the reason where they cannot be."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not here")
    place = Path(tempfile.gettempdir()) / f"slipway-tests-oidc-{os.getuid()}"
    if not (place / "node_modules/oidc-provider/package.json").is_file():
        place.mkdir(exist_ok=True, mode=0o700)
        command = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            str(place),
            _PACKAGE,
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"{_PACKAGE} cannot be installed: {done.stderr.strip()[-200:]}")
    return place


@contextmanager
def providing() -> Iterator[str]:
    """The issuer's address. Clients are called like the one role that each has, with the secret `secret`."""
    place = _installed()
    script = place / f"provider-{os.getpid()}.mjs"  # modules are looked for beside the script
    shutil.copy(Path(__file__).with_name("provider.mjs"), script)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["node", str(script)],
        env={**os.environ, "PORT": str(port), "NODE_NO_WARNINGS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
        script.unlink()


def token(issuer: str, client: str) -> str:
    """By client credentials (RFC 6749, section 4.4)."""
    request = urllib.request.Request(f"{issuer}/token", data=b"grant_type=client_credentials")
    request.add_header("Authorization", f"Basic {b64encode(f'{client}:secret'.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["access_token"])
