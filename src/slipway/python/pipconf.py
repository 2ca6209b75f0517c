"""What pip on this machine is told about indexes: its configuration files and `PIP_*`, read in pip's order.

Asking pip itself costs a good part of a second. Order, later wins (pip documentation, Configuration): machine,
user, the environment that Python runs in, the file in `PIP_CONFIG_FILE`, environment variables; and in a file
`[install]` over `[global]`.
"""

from __future__ import annotations

import configparser
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEYS = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert")


def of_machine(environ: Mapping[str, str]) -> dict[str, str]:
    """The keys of `KEYS` that pip would know here, as written. `UsageError` names a file that cannot be read."""
    values: dict[str, str] = {}
    for path in _files(environ):
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read pip's configuration {path}: {error}") from error
        values |= of_text(text, str(path))
    for key in KEYS:
        if value := environ.get("PIP_" + key.upper().replace("-", "_"), ""):
            values[key] = value
    return values


def of_text(text: str, name: str) -> dict[str, str]:
    """The keys of `KEYS` in the text of a pip.conf; `name` is for the `UsageError`."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text, name)
    except configparser.Error as error:
        raise UsageError(f"{name} is not a pip configuration: {error.message.splitlines()[0]}") from error
    values: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            items = {k.lower().replace("_", "-").removeprefix("--"): v for k, v in parser.items(section)}
            values |= {k: v.strip() for k, v in items.items() if k in KEYS}
    return values


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    chosen = environ.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return
    for root in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")):
        if root:
            yield Path(root) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    if not (chosen and Path(chosen).exists()):
        home = Path(environ.get("HOME") or Path.home())
        yield home / ".pip" / "pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if chosen:
        yield Path(chosen).expanduser()
