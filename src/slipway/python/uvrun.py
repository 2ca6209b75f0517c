"""Run uv so that its answer depends on what we say, and on no configuration that happens to lie about."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from slipway import proc
from slipway.errors import ToolError
from slipway.files import disk

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from slipway.python.index import Index
    from slipway.settings import Settings

# Builds of source distributions inherit this environment, so it holds what the network and the programs need, and
# no tokens that happen to be exported; the logins of the index are in it, because a build may need the index.
_KEPT = (
    "PATH",
    "HOME",
    "TMPDIR",
    "NETRC",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSL_CLIENT_CERT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
)


def binary() -> str:
    """The uv that came with this installation."""
    import uv

    try:
        return uv.find_uv_bin()
    except FileNotFoundError as error:
        raise ToolError("uv is not installed", hint="install the Python package uv beside slipway") from error


def run(
    arguments: Sequence[str | os.PathLike[str]],
    index: Index,
    settings: Settings,
    *,
    stdin: bytes | None = None,
    extra_env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run `uv ARGUMENTS` with this Python as the one that builds; statuses 1 and 2 are left to the caller."""
    cache = settings.cache / "uv"
    with disk(cache):
        cache.mkdir(parents=True, exist_ok=True)
    env = {k: os.environ[k] for k in _KEPT if k in os.environ}
    env |= {
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "UV_CACHE_DIR": str(cache),
        "UV_HTTP_TIMEOUT": str(max(1, round(settings.timeout))),
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    with tempfile.TemporaryDirectory(
        prefix="slipway-uv-"
    ) as nowhere:  # where no project lies that uv would heed
        return proc.run(
            [binary(), *arguments, "--python", sys.executable, *index.arguments()],
            env=env | index.env() | dict(extra_env or {}),
            stdin=stdin,
            cwd=cwd or Path(nowhere),
            ok=(0, 1, 2),
        )
