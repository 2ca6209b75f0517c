"""A scan of source files for people: as a table, and as Markdown; and as plain data for JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from slipway.scan.source.model import LEVELS

if TYPE_CHECKING:
    from slipway.scan.source.model import Gap, Level, Result, SourceResult

FORMAT: Final = 1
_ESCAPES: Final = {
    **{ord(mark): f"\\{mark}" for mark in "\\`*_[]|#"},
    **{ord(mark): text for mark, text in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))},
}
_OUTCOMES: Final = {
    "pass": "passed",
    "fail": "failed",
    "unknown": "not complete: what is below was not looked at, so nobody can say that all is well",
}


def document(result: SourceResult, level: Level | None) -> str:
    """As JSON: `outcome` is `pass`, `fail` or `unknown`."""
    data = {
        "format": FORMAT,
        "outcome": result.outcome(level),
        "complete": result.complete,
        "files": result.files,
        "checks": [_bare(asdict(ran)) for ran in result.checks],
        "results": [_row(each) for each in result.results],
        "gaps": [_bare(asdict(gap)) for gap in result.gaps],
        "notes": list(result.notes),
    }
    return json.dumps(data, indent=1) + "\n"


def _row(result: Result) -> dict[str, Any]:
    """Without the text of the line: it is for the fingerprint."""
    return _bare({key: value for key, value in asdict(result).items() if key != "text"})


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value not in ("", 0, None, ())}


def shown(result: SourceResult, *, notes: bool) -> list[Result]:
    """What a person has to look at, the worst first; `notes`: also what is of no more than that level."""
    rows = [r for r in result.results if r.open and (notes or r.level != "note")]
    return sorted(rows, key=lambda r: -LEVELS.index(r.level))


def open_gaps(result: SourceResult) -> list[Gap]:
    return [gap for gap in result.gaps if not gap.excuse]


def place(item: Result | Gap) -> str:
    return f"{item.path}:{item.line}" if item.line else item.path


def rule(result: Result) -> str:
    """The rule with the names that other tools have for it: `B602 = S602`."""
    return " = ".join((result.rule, *result.also)) if len(result.tools) > 1 else result.rule


def summary(result: SourceResult, level: Level | None) -> list[str]:
    """Lines that say what was done, what came of it, and what does not count."""
    counted = [r for r in result.results if r.open]
    numbers = ", ".join(_number(sum(r.level == each for r in counted), each) for each in reversed(LEVELS))
    checks = ", ".join(
        f"{ran.tool} {ran.version}".strip() if ran.tool == ran.check else ran.check for ran in result.checks
    )
    lines = [f"{result.files} files; {checks}", f"{numbers}; {_OUTCOMES[result.outcome(level)]}"]
    aside = {
        "known before": sum(r.state == "unchanged" and r.excuse is None for r in result.results),
        "gone since": sum(r.state == "absent" for r in result.results),
        "excused in the files": sum(
            r.excuse is not None and r.excuse.kind == "inSource" for r in result.results
        ),
        "excused by you": sum(r.excuse is not None and r.excuse.kind == "external" for r in result.results),
        "accepted though not looked at": sum(gap.excuse is not None for gap in result.gaps),
    }
    told = ", ".join(f"{count} {what}" for what, count in aside.items() if count)
    return [*lines, *([told] if told else []), *result.notes]


def _number(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 else f'{noun}s'}"


def markdown(result: SourceResult, level: Level | None) -> str:
    head, *rest = summary(result, level)
    lines = ["# Source scan", "", f"**{result.outcome(level)}**: {'; '.join(rest[:1])}", "", head]
    lines += ["", *(f"- {_escaped(line)}" for line in rest[1:])] if rest[1:] else []
    if rows := shown(result, notes=True):
        lines += ["", "| level | place | rule | what |", "| --- | --- | --- | --- |"]
        lines += [_cells(r.level, place(r), rule(r), r.message) for r in rows]
    if gaps := open_gaps(result):
        lines += ["", "## Not looked at", "", "| check | place | why |", "| --- | --- | --- |"]
        lines += [_cells(gap.check, place(gap), gap.message) for gap in gaps]
    return "\n".join(lines) + "\n"


def _cells(*cells: str) -> str:
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    """Text from files, so that it is text in Markdown."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.translate(_ESCAPES)
