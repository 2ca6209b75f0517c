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
from slipway.files import disk, read_json, write_json
from slipway.net_proxy import variables
from slipway.oci.digest import key_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from threading import Event

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

# What makes uv tell of its requests, and of versions that it gives up; and of nothing else that it does.
_REQUESTS = "uv_client::cached_client=debug,uv_resolver::resolver=debug"
_SPOKEN = b"DEBUG "

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
    heard: Callable[[str], None] | None = None,
    stop: Event | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run `uv ARGUMENTS` with this Python as the one that builds; statuses 1 and 2 are left to the caller.

    With `refresh` no answer of an index is used again. `heard` gets a line for each request, as soon as it is made.
    When `stop` is set, uv and all that it has started is ended: `ToolError`.
    """
    cache = settings.cache / "uv"
    with disk(cache):
        cache.mkdir(parents=True, exist_ok=True)
    env = {k: os.environ[k] for k in _KEPT if k in os.environ} | variables(settings.proxies)
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
        env["TMPDIR"] = nowhere  # some of its files it leaves where they are
        config = Path(nowhere, "uv.toml")
        default = "" if index.default or index.no_index else _default_index(env, nowhere, settings)
        max_age = 0 if refresh else settings.max_age
        config.write_text(index.configuration(default, max_age))
        chosen = ("--config-file", config, "--python", sys.executable)
        again = [] if max_age or settings.offline else ["--refresh"]
        argv = [binary(), *arguments, *again, *chosen, *index.arguments()]
        env |= index.env() | dict(extra_env or {})
        if heard is None and stop is None:
            return proc.run(argv, env=env, stdin=stdin, cwd=cwd or Path(nowhere), ok=(0, 1, 2))
        spoken = Path(nowhere, "stdin")
        spoken.write_bytes(stdin or b"")
        with spoken.open("rb") as source:
            done = proc.run_group(
                argv,
                env=env | ({"RUST_LOG": _REQUESTS} if heard else {}),
                cwd=cwd or Path(nowhere),
                stdin=source.fileno(),
                stop=stop,
                heard=_by_line(heard) if heard else None,
            )
    lines = done.stderr.splitlines(keepends=True)
    done.stderr = b"".join(line for line in lines if not line.startswith(_SPOKEN))
    return proc.checked(done, (0, 1, 2))


def _by_line(heard: Callable[[str], None]) -> Callable[[bytes], None]:
    """Whole lines for one who gets pieces."""
    rest = b""

    def hear(piece: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            heard(line.decode(errors="replace"))

    return hear


def _default_index(env: Mapping[str, str], nowhere: str, settings: Settings) -> str:
    """The index that uv asks when none is configured; it writes it into what it compiles of nothing.

    That depends on nothing but the program, so it is remembered for it.
    """
    program = binary()
    found = os.stat(program)  # noqa: PTH116 - as quick as can be
    memory = settings.cache / "resolved" / f"uv-{key_of(program, found.st_size, found.st_mtime_ns)}.json"
    if isinstance(known := read_json(memory), str):
        return known
    quiet = ("--emit-index-url", "--no-header", "--no-config", "--quiet", "--offline")
    done = proc.run(
        [program, "pip", "compile", "-", *quiet, "--python", sys.executable],
        env=env,
        stdin=b"",
        cwd=Path(nowhere),
    )
    index = done.stdout.decode().strip().removeprefix("--index-url").strip()
    write_json(memory, index)
    return index
