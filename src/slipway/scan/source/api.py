"""`scan`: all checks over all files, whatever some of them find."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway import __version__
from slipway.errors import UsageError
from slipway.scan.source import baseline, tools
from slipway.scan.source.fingerprints import marked, merged
from slipway.scan.source.model import CHECKS, Excuse, Gap, Ran, Result, Rule, SourceResult
from slipway.scan.source.reading import pass_over
from slipway.scan.source.suppressions import Excuses
from slipway.scan.source.tree import tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.scan.source.model import Asked
    from slipway.scan.source.reading import Read
    from slipway.scan.source.tools import Told
    from slipway.scan.source.tree import Tree
    from slipway.settings import Settings

_OURS = "slipway"


def scan(
    paths: Sequence[Path], settings: Settings, reporter: Reporter, asked: Asked, *, now: float
) -> tuple[SourceResult, Tree]:
    """What is wrong below `paths`, and the tree that was looked at; `now` is in seconds since 1970.

    Nothing that a file, a tool or a feed does ends the scan early: what could not be looked at is in `gaps`. `UsageError` for a
    path that is not there and a check that does not exist.
    """
    skipped = dict(asked.skip)
    for name in (*asked.only, *skipped):
        if name not in CHECKS:
            raise UsageError(f"there is no check {name!r}", hint=f"known: {', '.join(CHECKS)}")
    checks = [name for name in CHECKS if name not in skipped and (not asked.only or name in asked.only)]
    found = tree(paths, asked.exclude, reporter)
    done = pass_over(found, checks, reporter)
    told = tools.run(done, found.root, checks, asked.only, reporter)
    results = [*done.results, *_merged(told)]
    gaps = [*done.gaps, *done.pins.gaps, *(gap for each in told for gap in each.gaps)]
    rules = {rule.id: rule for each in told for rule in each.rules.values()}
    if "dependencies" in checks:
        from slipway.scan.source.audit import audit

        with reporter.step("dependencies", total=len(done.pins.found)):
            of_pins, open_gaps, known = audit(done.pins.found, settings, reporter, now=now)
        results += of_pins
        gaps += open_gaps
        rules |= known
    if not found.files:
        gaps.append(Gap("files", "nothing", "there is no file to look at"))
    gaps += [_skipped(name, reason) for name, reason in skipped.items()]
    results = marked(r if r.tools else replace(r, tools=(_OURS,)) for r in results)
    ran = _ran(checks, done, told)
    return _judged(results, gaps, rules, ran, asked, found, now), found


def _judged(
    results: Sequence[Result],
    gaps: Iterable[Gap],
    rules: dict[str, Rule],
    ran: Sequence[Ran],
    asked: Asked,
    found: Tree,
    now: float,
) -> SourceResult:
    excuses = Excuses(asked.suppressions, now=now)
    results = excuses.results(results)
    sorted_gaps = sorted(excuses.gaps(gaps), key=lambda g: (g.check, g.path, g.line, g.rule, g.message))
    failed = {gap.check for gap in sorted_gaps if gap.rule in ("missing-tool", "failed")}
    if asked.known is not None:
        whole = {each.check for each in ran} - failed
        results = baseline.compared(results, asked.known, whole, found.scopes)
    ran = [replace(each, rules=_used(each.check, results, rules)) for each in ran]
    return SourceResult(tuple(ran), tuple(results), tuple(sorted_gaps), excuses.notes(), len(found.files))


def _merged(told: Sequence[Told]) -> list[Result]:
    by_check = {each.ran.check: each.results for each in told}
    others = [
        result for name, results in by_check.items() if name not in ("bandit", "ruff") for result in results
    ]
    return [*merged(by_check.get("bandit", ()), by_check.get("ruff", ())), *others]


def _ran(checks: Sequence[str], done: Read, told: Sequence[Told]) -> list[Ran]:
    read = {"syntax": done.data, "dependencies": len(done.pins.files), "secrets": done.texts}
    of_tools = {each.ran.check: each.ran for each in told}
    ours = {name: Ran(name, _OURS, __version__, read[name]) for name in checks if name in read}
    return [found for name in checks if (found := of_tools.get(name) or ours.get(name))]


def _used(check: str, results: Iterable[Result], rules: dict[str, Rule]) -> tuple[Rule, ...]:
    """The rules that have found something, our own from their tables; one of an old baseline may be known by name only."""
    from slipway.scan.source import secrets, syntax

    known = {**rules, **{rule.id: rule for rule in (*syntax.RULES, *secrets.RULES)}}
    names = sorted({result.rule for result in results if result.check == check})
    levels = {result.rule: result.level for result in results}
    return tuple(known.get(name) or Rule(name, name, levels[name]) for name in names)


def _skipped(name: str, reason: str) -> Gap:
    if reason:
        return Gap(name, "skipped", "this check was not run", excuse=Excuse("external", reason))
    return Gap(name, "skipped", f"this check was not run, and nobody said why: --skip {name}=REASON")
