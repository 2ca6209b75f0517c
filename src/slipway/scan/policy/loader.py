"""From a file to a `Policy`, or to everything that is wrong with it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from slipway.errors import PolicyError, Problem
from slipway.recipe.kinds import Report
from slipway.recipe.source import Source
from slipway.recipe.textfile import read_text
from slipway.scan.policy.beside import content
from slipway.scan.policy.keys import POLICY
from slipway.scan.policy.model import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slipway.scan.policy.waiverkeys import Given


def load(path: Path, text: str | None = None) -> Policy:
    """The policy in the file `path`, or in `text` as if it were that file's, with the waivers and statements of the files it names.

    Raises `PolicyError` with all problems, in file order, those of other files last; `UsageError` when the file cannot be read.
    """
    text = read_text(path, PolicyError) if text is None else text
    report = Report(Source(str(path), text.removeprefix("\ufeff")), path.parent, [], {})
    values: dict[str, Any] = content(POLICY, report) or {}
    inside: tuple[Given, ...] = values.pop("waivers", ())
    waivers = (*inside, *(given for file in values.pop("waiver-files", ()) for given in file))
    if not report.problems and (longest := values.get("longest-waiver")):
        _check_lengths(waivers, longest, report)
    if report.problems:
        own = report.source.name
        report.problems.sort(key=lambda p: (p.where.file != own, p.where.file, p.where.line, p.where.column))
        raise PolicyError(report.problems, str(path))
    statements = tuple(statement for file in values.pop("vex", ()) for statement in file)
    rest = {name.replace("-", "_"): value for name, value in values.items()}
    return Policy(waivers=tuple(given.waiver for given in waivers), statements=statements, **rest)


def _check_lengths(waivers: Iterable[Given], longest: int, report: Report) -> None:
    for waiver, where in waivers:
        if not waiver.since:
            message = f"`since` is missing: the policy lets a waiver hold for at most {longest} days"
        elif (days := _days(waiver.since, waiver.expires)) > longest:
            message = f"it holds for {days} days, and the policy allows at most {longest}"
        else:
            continue
        line = report.sources[where.file].line(where.line)
        report.problems.append(Problem(where, f"waivers: {message}", line))


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
