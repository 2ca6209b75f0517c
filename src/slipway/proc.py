"""The one way to run a program: an argument list, never a shell, with errors that name what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from slipway.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def find(program: str, *, purpose: str, hint: str = "") -> str:
    """Absolute path of `program`; `ToolError` that says what it is needed for when it is not there."""
    path = shutil.which(program)
    if path is None:
        raise ToolError(f"{program} is not installed", details=f"It is needed for {purpose}.", hint=hint)
    return path


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    ok: Sequence[int] = (0,),
) -> subprocess.CompletedProcess[bytes]:
    """Run and capture; `env` replaces the environment when given. `ToolError` with the last lines on failure."""
    name = os.path.basename(os.fspath(argv[0]))  # noqa: PTH119 - argv may be any path-like
    try:
        done = subprocess.run(
            [os.fspath(a) for a in argv],
            env=None if env is None else dict(env),
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(f"{name} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name} did not finish within {timeout:.0f} s") from error
    if done.returncode not in ok:
        output = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise ToolError(
            f"{name} failed with status {done.returncode}", details="\n".join(output.splitlines()[-20:])
        )
    return done
