"""Run uv so that its answer depends on what we say, and on no configuration that happens to lie about."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from threading import Lock
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

# The first question to sysconfig, which uv asks, gets half an answer while another thread asks the same.
_FINDING = Lock()


def binary() -> str:
    """The uv that came with this installation."""
    import uv

    try:
        with _FINDING:
            return uv.find_uv_bin()
    except FileNotFoundError as error:
        raise ToolError("uv is not installed", hint="install the Python package uv beside slipway") from error


def run(
    arguments: Sequence[str | os.PathLike[str]],
    index: Index,
    settings: Settings,
    *,
    refresh: bool = False,
    stdin: bytes | None = None,
    extra_env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run `uv ARGUMENTS` with this Python as the one that builds; statuses 1 and 2 are left to the caller.

    With `refresh` no answer of an index is used again.
    """
    cache = settings.cache / "uv"
    with disk(cache):
        cache.mkdir(parents=True, exist_ok=True)
    env = {k: os.environ[k] for k in _KEPT if k in os.environ}
    env |= {
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "UV_CACHE_DIR": str(cache),
        "UV_HTTP_TIMEOUT": str(max(1, round(settings.timeout))),
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        **({"UV_OFFLINE": "1"} if settings.offline else {}),
    }
    # a place where no project lies that uv would heed, and a file without which it would look for others
    with tempfile.TemporaryDirectory(prefix="slipway-uv-") as nowhere:
        config = Path(nowhere, "uv.toml")
        default = "" if index.default or index.no_index else _default_index(env, nowhere)
        max_age = 0 if refresh else settings.max_age
        config.write_text(index.configuration(default, max_age))
        chosen = ("--config-file", config, "--python", sys.executable)
        again = [] if max_age or settings.offline else ["--refresh"]
        return proc.run(
            [binary(), *arguments, *again, *chosen, *index.arguments()],
            env=env | index.env() | dict(extra_env or {}),
            stdin=stdin,
            cwd=cwd or Path(nowhere),
            ok=(0, 1, 2),
        )


def _default_index(env: Mapping[str, str], nowhere: str) -> str:
    """The index that uv asks when none is configured; it writes it into what it compiles of nothing."""
    quiet = ("--emit-index-url", "--no-header", "--no-config", "--quiet", "--offline")
    done = proc.run(
        [binary(), "pip", "compile", "-", *quiet, "--python", sys.executable],
        env=env,
        stdin=b"",
        cwd=Path(nowhere),
    )
    return done.stdout.decode().strip().removeprefix("--index-url").strip()
