"""Other people's tools over the files of the pass: where one is missing or fails, that is told, and the others go on."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from slipway.errors import ToolError
from slipway.scan.source import bandit, programs, ruff, shellcheck
from slipway.scan.source.content import Content, read
from slipway.scan.source.model import Gap, Ran, Result, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.source.reading import Read

    Said = tuple[list[Result], list[Gap], dict[str, Rule]]
    Run = Callable[[str, Sequence[str]], Said]

_INSTALL: Final = {
    "bandit": "install slipway[source]",
    "ruff": "install slipway[source]",
    "shellcheck": "install it from your distribution",
}
_FEW: Final = 40  # files for which a second process is not worth its start


@dataclass
class Told:
    """What one tool has said of all files."""

    ran: Ran
    results: list[Result]
    gaps: list[Gap]
    rules: dict[str, Rule]


def run(
    done: Read, root: Path, checks: Collection[str], asked: Collection[str], reporter: Reporter
) -> list[Told]:
    """bandit, ruff and shellcheck, as far as they are in `checks`; what is in `asked` is missed where it is not installed."""
    nosec, noqa = frozenset(done.nosec), frozenset(done.noqa)
    runs: dict[str, Run] = {
        "bandit": lambda p, f: bandit.run(p, f, [x for x in f if x in nosec], root),
        "ruff": lambda p, f: ruff.run(p, f, [x for x in f if x in noqa], root),
    }
    told = []
    for check in [each for each in runs if each in checks]:
        told.append(_told(check, done.python, runs[check], reporter))
        told[-1].gaps += [Gap(check, "notebook", "its code is not Python", name) for name in done.foreign]
    if "shellcheck" in checks and ("shellcheck" in asked or programs.find("shellcheck")):
        told.append(_told("shellcheck", done.shell, lambda p, f: shellcheck.run(p, f, root), reporter))
    return [_with_lines(each, root) for each in told]


def _told(check: str, files: Sequence[str], run_one: Run, reporter: Reporter) -> Told:
    """Over shares of the files at once, as bandit and shellcheck use one processor each."""
    program = programs.find(check)
    if not program:
        missing = Gap(
            check, "missing-tool", f"{check} is not installed: {_INSTALL[check]}, or skip it with a reason"
        )
        return Told(Ran(check, check), [], [missing], {})
    results: list[Result] = []
    gaps: list[Gap] = []
    rules: dict[str, Rule] = {}
    version = ""
    with reporter.step(check, total=len(files)) as step:
        try:
            version = programs.version(program)
            for share, said in _shared(program, files, run_one):
                results += said[0]
                gaps += said[1]
                rules |= said[2]
                step.advance(len(share))
        except ToolError as error:
            lines = error.details.strip().splitlines()
            why = f"{error.brief}: {lines[-1][:200]}" if lines else error.brief
            gaps.append(Gap(check, "failed", why))
    ran = Ran(check, check, version, len(files))
    return Told(ran, [replace(r, tools=(check,)) for r in results], gaps, rules)


def _shared(program: str, files: Sequence[str], run_one: Run) -> Iterable[tuple[Sequence[str], Said]]:
    from concurrent.futures import ThreadPoolExecutor

    processors = len(os.sched_getaffinity(0))
    shares = list(programs.shares(files, processors if len(files) > _FEW else 1))
    with ThreadPoolExecutor(processors) as pool:
        yield from zip(shares, pool.map(lambda share: run_one(program, share), shares), strict=True)


def _with_lines(told: Told, root: Path) -> Told:
    """With the text of each line, which the fingerprint is of: files in which something was found are read again."""
    by_path: dict[str, list[Result]] = {}
    for result in told.results:
        by_path.setdefault(result.path, []).append(result)
    results = []
    for path, some in by_path.items():
        try:
            content = read(root / path, path)
        except OSError:  # it is gone since
            content = Content(path, b"")
        results += [replace(result, text=content.line(result.line)) for result in some]
    return replace(told, results=results)
