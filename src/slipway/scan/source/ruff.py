"""ruff's S rules over Python files and notebooks (ruff's documentation: `ruff check --output-format json`; ruff 0.9 and later)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import ToolError
from slipway.patterns import pattern
from slipway.scan.source import pyrules
from slipway.scan.source.model import Excuse, Gap, Result, Rule
from slipway.scan.source.notebooks import Places
from slipway.scan.source.programs import answer, relative

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Its settings are ours alone. The newest Python takes what all older ones write, but for what is no Python 3.
_ARGV: Final = (
    *("check", "--isolated", "--no-cache", "--select", "S", "--target-version", "py314"),
    *("--output-format", "json"),
)
_OK: Final = (0, 1)  # 1: it found something
_FAILED = pattern(r"(?:Failed to lint|error: Failed to parse|Failed to parse) (.+?): (.+)")

Said = tuple[list[Result], list[Gap], dict[str, Rule]]


def run(program: str, files: Sequence[str], marked: Sequence[str], root: Path) -> Said:
    """What it finds in `files`; in those of them that are `marked` a `# noqa` may excuse something."""
    results, gaps, rules = _run([program, *_ARGV, "--ignore-noqa"], files, root)
    if marked:
        kept = {_place(result) for result in _run([program, *_ARGV], marked, root)[0]}
        of_marked = frozenset(marked)
        excuse = Excuse("inSource", "# noqa")
        results = [
            replace(result, excuse=excuse)
            if result.path in of_marked and _place(result) not in kept
            else result
            for result in results
        ]
    return results, gaps, rules


def _run(argv: Sequence[str], files: Sequence[str], root: Path) -> Said:
    rows, complaints = answer(argv, files, root, _OK)
    unread: dict[str, tuple[str, int]] = {}
    found: list[Result] = []
    rules: dict[str, Rule] = {}
    places = Places(root)
    try:
        for row in rows:
            result = _result(row, root, places)
            if result.rule:
                found.append(result)
                rules[result.rule] = _rule(row, result)
            else:
                unread.setdefault(result.path, (result.message, result.line))
    except (KeyError, TypeError, AttributeError) as error:
        raise ToolError("ruff's report is not as expected", details=repr(error)[:200]) from error
    for line in complaints.splitlines():
        if failed := _FAILED.search(line):
            unread.setdefault(relative(failed[1], root), (failed[2], 0))
    gaps = [
        Gap("ruff", "unparsable", f"ruff could not read it: {why}", name, line)
        for name, (why, line) in unread.items()
    ]
    return found, gaps, rules


def _result(row: dict[str, Any], root: Path, places: Places) -> Result:
    """An error of syntax has no rule of its own (`invalid-syntax`, or none at all). In a notebook lines count within a cell."""
    code = str(row["code"] or "")
    rule = code if code[:1] == "S" and code[1:].isdigit() else ""
    path = relative(row["filename"], root)
    start, end = row["location"], row["end_location"]
    place = int(start["row"]), int(start["column"]), int(end["row"])
    if cell := row.get("cell"):
        first, last = (places.line(path, int(cell), number) for number in (place[0], place[2]))
        place = first, 0, last
    return Result("ruff", rule, pyrules.level(rule), path, " ".join(row["message"].split()), *place)


def _rule(row: dict[str, Any], result: Result) -> Rule:
    title = str(row["url"] or "").rstrip("/").rpartition("/")[2].replace("-", " ") or result.message
    return Rule(result.rule, title, result.level, str(row["url"] or ""), ("security",))


def _place(result: Result) -> tuple[str, str, int, int]:
    return result.path, result.rule, result.line, result.column
