"""The checks that need nothing but the files: all in one pass, in which each file is read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from slipway.scan.source.content import read
from slipway.scan.source.model import Gap, Result
from slipway.scan.source.notebooks import ENDING, is_python
from slipway.scan.source.pins.read import Pins

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.source.content import Content
    from slipway.scan.source.tree import Tree

_PYTHON: Final = (".py", ".pyw")
_SHELL: Final = (".sh", ".bash", ".ksh", ".bats")
_PYTHONS: Final = ("python", "pypy")
_SHELLS: Final = ("sh", "bash", "dash", "ksh")


@dataclass
class Read:
    """What one pass has found. `python` (with notebooks) and `shell` are files of code, `foreign` notebooks of another language; in those of
    `nosec` and `noqa` something may be excused.

    `data` and `texts` count what was looked at for syntax and for secrets.
    """

    pins: Pins
    results: list[Result] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    python: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    shell: list[str] = field(default_factory=list)
    nosec: list[str] = field(default_factory=list)
    noqa: list[str] = field(default_factory=list)
    data: int = 0
    texts: int = 0


def pass_over(tree: Tree, checks: Collection[str], reporter: Reporter) -> Read:
    """Reads every file; one that cannot be read is a gap of each check that might have looked at it."""
    files = frozenset(tree.files)
    done = Read(Pins(lambda path: _open(tree.root, path) if path in files else None))
    for name in tree.denied:
        done.gaps.append(Gap("files", "unread", "this directory may not be read", name))
    with reporter.step("reading", total=len(tree.files)) as step:
        for path in tree.files:
            try:
                content = read(tree.root / path, path)
            except OSError as error:
                why = f"it cannot be read: {error.strerror or type(error).__name__}"
                done.gaps.append(Gap("files", "unread", why, path))
            else:
                _look(content, done, checks)
            step.advance()
    return done


def _open(root: Path, path: str) -> Content | None:
    try:
        return read(root / path, path)
    except OSError:
        return None


def _look(content: Content, done: Read, checks: Collection[str]) -> None:
    _sort(content, done)
    if content.text is None and not _is_wanted(content):
        if "dependencies" in checks:
            done.pins.take(content)
        return  # no text: nothing else here is for it
    if not content.whole:
        done.gaps.append(
            Gap(
                "files",
                "too-large",
                "it is too large to be looked at: exclude it if it is data",
                content.path,
            )
        )
        return
    if "syntax" in checks and _is_wanted(content):
        from slipway.scan.source import syntax

        done.data += 1
        for found in syntax.check(content):
            (done.gaps if isinstance(found, Gap) else done.results).append(found)  # type: ignore[arg-type]
    if "dependencies" in checks:
        done.pins.take(content)
    if "secrets" in checks:
        from slipway.scan.source import secrets

        done.texts += 1
        done.results += secrets.check(content)


def _is_wanted(content: Content) -> bool:
    from slipway.scan.source.syntax import kind

    return bool(kind(content.path))


def _sort(content: Content, done: Read) -> None:
    if content.name.endswith(ENDING) and not is_python(content.text or ""):
        done.foreign.append(content.path)
    elif content.name.endswith((*_PYTHON, ENDING)) or content.interpreter in _PYTHONS:
        done.python.append(content.path)
        if b"nosec" in content.data:
            done.nosec.append(content.path)
        if b"noqa" in content.data or b"ruff:" in content.data:
            done.noqa.append(content.path)
    elif content.name.endswith(_SHELL) or content.interpreter in _SHELLS:
        done.shell.append(content.path)
