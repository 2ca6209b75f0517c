"""What a build of a source distribution needs of Python, installed flat into a directory for the Python that builds."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import ToolError
from slipway.python import tags, uvrun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.python.index import Index
    from slipway.python.model import PythonTarget
    from slipway.settings import Settings


def install(
    requires: Sequence[str],
    directory: Path,
    index: Index,
    settings: Settings,
    *,
    shown: str,
    target: PythonTarget | None = None,
) -> None:
    """Install `requires` (PEP 508) into `directory`, for `target` (wheels only) or for this machine's Python.

    `ToolError` when they cannot be had; `shown` says what they are for.
    """
    if not requires:
        return
    options: list[str] = []
    if target:
        platform = tags.uv_platform(target)
        options = ["--python-version", target.full, "--python-platform", platform, "--only-binary=:all:"]
    with tempfile.TemporaryDirectory(prefix="slipway-") as place:
        file = Path(place, "requirements.txt")
        file.write_text("\n".join(requires))
        done = uvrun.run(
            ["pip", "install", "--target", directory, "--link-mode=copy", *options, "-r", file],
            index,
            settings,
        )
    if done.returncode:
        output = index.scrub(done.stderr.decode(errors="replace")).strip()
        raise ToolError(
            f"{shown} cannot be built: what its build needs cannot be had",
            details="\n".join([", ".join(requires), "", *output.splitlines()[-20:]]),
        )
    if target:
        _start_with(directory / "bin", target.executable)


def _start_with(scripts: Path, interpreter: str) -> None:
    """Let scripts be run by the target's Python instead of this one."""
    ours, theirs = f"#!{sys.executable}".encode(), f"#!{interpreter}".encode()
    for script in scripts.glob("*"):
        content = script.read_bytes()
        if content.startswith(ours):
            script.write_bytes(theirs + content[len(ours) :])
