"""Other people's tools: where they are, and how they are run over many files."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, Any, Final

from slipway import proc
from slipway.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PATIENCE: Final = 1800.0  # seconds for one run: it is not to hang a pipeline for ever
_MOST: Final = 2000  # files in one run, so that their names fit into an argument list


def find(program: str) -> str:
    """Its path: beside this Python first, where an extra is installed, then as a shell would. Empty if it is not there."""
    beside = Path(sys.executable).parent / program
    return str(beside) if os.access(beside, os.X_OK) else shutil.which(program) or ""


def version(program: str) -> str:
    """The first word of what `--version` says that begins with a digit; empty when it says none."""
    said = proc.run([program, "--version"], timeout=60).stdout.decode(errors="replace").split()
    return next((word for word in said if word[0].isdigit()), "")


def shares(files: Sequence[str], parts: int) -> Iterator[Sequence[str]]:
    """The files in so many parts of about the same number, or in more where they would be too many for one."""
    size = min(_MOST, max(1, -(-len(files) // parts)))
    for start in range(0, len(files), size):
        yield files[start : start + size]


def answer(argv: Sequence[str], files: Sequence[str], root: Path, ok: Sequence[int]) -> tuple[Any, str]:
    """What a tool says of the files as JSON, and what it complains of. `ToolError` when that is none, or it failed."""
    names = [f"./{name}" for name in files]  # a name may begin with a dash
    done = proc.run([*argv, *names], cwd=root, env=_environment(), timeout=_PATIENCE, ok=ok)
    try:
        return json.loads(done.stdout), done.stderr.decode(errors="replace")
    except (ValueError, RecursionError) as error:
        name = Path(argv[0]).name
        raise ToolError(f"{name} did not answer in JSON", details=str(error)[:200]) from error


def relative(name: str, root: Path) -> str:
    """A path as a tool writes it, relative to the root."""
    text = normpath(name)
    return os.path.relpath(text, root) if text.startswith("/") else text


def _environment() -> Mapping[str, str]:
    """Without what would change how tools work: only their command lines are to say that."""
    own = ("RUFF_", "SHELLCHECK_", "BANDIT_")
    return {**{k: v for k, v in os.environ.items() if not k.startswith(own)}, "PYTHONUTF8": "1"}
