"""Which files there are: what git tracks and what it does not ignore, or else all but what tools keep for themselves.

Symlinks are not followed: what they mean inside the tree is found by itself, and what is outside is not part of it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway import proc
from slipway.errors import ToolError, UsageError
from slipway.scan.source.globs import matcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.events import Reporter

_CACHES: Final = frozenset(
    (
        *(
            ".git",
            ".hg",
            ".svn",
            ".bzr",
            "__pycache__",
            "node_modules",
            ".venv",
            "venv",
            ".tox",
            ".nox",
            ".eggs",
        ),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".ipynb_checkpoints", ".terraform"),
    )
)
# A checkout may be anybody's: none of the programs that its configuration names are started.
_GIT: Final = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


@dataclass(frozen=True, slots=True)
class Tree:
    """Regular files by path relative to `root`, sorted. `scopes` are the directories and files that were asked for, likewise.

    `denied` are directories that may not be read.
    """

    root: Path
    files: tuple[str, ...]
    scopes: tuple[str, ...]
    denied: tuple[str, ...] = ()


def tree(paths: Sequence[Path], exclude: Sequence[str], reporter: Reporter) -> Tree:
    """`UsageError` for a path that is not there.

    The root is that of the git work tree where all paths are in one, so that paths are the same wherever a scan starts;
    else the directory that is above all.
    """
    real = [_real(path) for path in paths]
    places = [path if path.is_dir() else path.parent for path in real]
    tops = {_work_tree(place) for place in places}
    top = next(iter(tops)) if len(tops) == 1 else None
    root = top or Path(os.path.commonpath(places))
    excluded = matcher(exclude)
    found: set[str] = set()
    denied: set[str] = set()
    inside = cache(lambda directory: directory.resolve().is_relative_to(root))
    for path in real:
        for file in _listed(path, reporter, denied) if path.is_dir() else (path,):
            # an index may name what lies behind a symlink to elsewhere
            if inside(file.parent) and not excluded(name := _relative(file, root)) and _regular(file):
                found.add(name)
    scopes = tuple(sorted({_relative(path, root) for path in real}))
    held_back = {name for name in (_relative(Path(d), root) for d in denied) if not excluded(name)}
    reporter.log(f"{len(found)} files below {root}")
    return Tree(root, tuple(sorted(found)), scopes, tuple(sorted(held_back)))


def _real(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UsageError(f"there is no {path}") from error


def _relative(path: Path, root: Path) -> str:
    return "" if path == root else path.relative_to(root).as_posix()


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:  # tracked, but deleted
        return False


def _listed(directory: Path, reporter: Reporter, denied: set[str]) -> Iterator[Path]:
    """The files below, submodules and repositories within included."""
    names = _git(directory, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if not names:  # no work tree, or it ignores this directory, which was asked for
        reporter.log(f"{directory} is not in a git work tree: all files in it are taken, but for caches")
        yield from _walked(directory, denied)
        return
    for name in sorted(set(names.split(b"\0")) - {b""}):
        path = Path(os.path.normpath(directory / os.fsdecode(name)))
        if path.is_dir() and not path.is_symlink():
            yield from _listed(path, reporter, denied)
        else:
            yield path


def _walked(directory: Path, denied: set[str]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        denied.add(str(error.filename))

    for place, directories, names in os.walk(directory, onerror=refuse):
        directories[:] = [name for name in directories if name not in _CACHES]
        yield from (Path(place, name) for name in names)


def _work_tree(directory: Path) -> Path | None:
    found = _git(directory, "rev-parse", "--show-toplevel")
    return Path(os.fsdecode(found.removesuffix(b"\n"))).resolve() if found else None


def _git(directory: Path, *words: str) -> bytes:
    """What git says; nothing where it is not installed, or refuses to look at the directory."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return proc.run([*_GIT, *words], cwd=directory, env={**env, "GIT_OPTIONAL_LOCKS": "0"}).stdout
    except ToolError:
        return b""
