"""bandit over Python files, and over notebooks as such (bandit's documentation: JSON report; bandit 1.7 to 1.9).

Its own lists of what to leave out are turned off: `.git` in them would also leave out `.github`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import ToolError
from slipway.patterns import pattern
from slipway.scan.source.bookscripts import scripts_of
from slipway.scan.source.model import Excuse, Gap, Result, Rule
from slipway.scan.source.notebooks import ENDING
from slipway.scan.source.programs import answer, relative

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from slipway.scan.source.bookscripts import Script
    from slipway.scan.source.model import Level

_LEVELS: Final[dict[str, Level]] = {"HIGH": "error", "MEDIUM": "warning", "LOW": "note", "UNDEFINED": "note"}
_PASSWORDS: Final = ("B105", "B106", "B107")
_OK: Final = (0, 1)  # 1: it found something
# Where what was written as a password begins in the text of those rules.
_SHOWN = pattern(r": '.*\Z|: \".*\Z")

Said = tuple[list[Result], list[Gap], dict[str, Rule]]


def run(program: str, files: Sequence[str], marked: Sequence[str], root: Path) -> Said:
    """What it finds in `files`; in those of them that are `marked` a `# nosec` may excuse something."""
    books = [name for name in files if name.endswith(ENDING)]
    plain = [name for name in files if not name.endswith(ENDING)]
    results, gaps, rules = _scripts(
        program, plain, [name for name in marked if not name.endswith(ENDING)], root
    )
    if books:
        more = _books(program, books, frozenset(marked), root)
        results, gaps, rules = [*results, *more[0]], [*gaps, *more[1]], {**rules, **more[2]}
    return results, gaps, rules


def _books(program: str, files: Sequence[str], marked: Collection[str], root: Path) -> Said:
    with scripts_of(files, root) as made:
        scripts = made.scripts
        named = [name for name, script in scripts.items() if script.path in marked]
        results, gaps, rules = _scripts(program, list(scripts), named, made.directory)
    told = [
        Gap("bandit", "unparsable", f"bandit could not read it: {why}", path, line)
        for path, line, why in made.unread
    ]
    told += [replace(gap, path=scripts[gap.path].path) for gap in gaps]
    return [_in_book(result, scripts[result.path]) for result in results], told, rules


def _in_book(result: Result, script: Script) -> Result:
    """A line of a notebook is a text in JSON: columns are not those of the file."""
    first, last = script.line(result.line), script.line(result.end_line)
    return replace(result, path=script.path, line=first, column=0, end_line=max(first, last))


def _scripts(program: str, files: Sequence[str], marked: Sequence[str], root: Path) -> Said:
    if not files:
        return [], [], {}
    results, gaps, rules = _run([program, "--ignore-nosec"], files, root)
    if marked:
        kept = {_place(result) for result in _run([program], marked, root)[0]}
        of_marked = frozenset(marked)
        results = [
            _excused(result) if result.path in of_marked and _place(result) not in kept else result
            for result in results
        ]
    return results, gaps, rules


def _run(argv: Sequence[str], files: Sequence[str], root: Path) -> Said:
    told, _ = answer([*argv, "--quiet", "--format", "json", "--exclude", ""], files, root, _OK)
    try:
        found = list(_results(told["results"], root))
        rules = {row["test_id"]: _rule(row) for row in told["results"]}
        errors = {relative(row["filename"], root): str(row["reason"]) for row in told["errors"]}
        seen = {relative(name, root) for name in told["metrics"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise ToolError("bandit's report is not as expected", details=repr(error)[:200]) from error
    gaps = [Gap("bandit", "unparsable", f"bandit could not read it: {errors[name]}", name) for name in errors]
    silent = [name for name in files if name not in seen and name not in errors]
    gaps += [Gap("bandit", "unparsable", "bandit left it out without a word", name) for name in silent]
    return [result for result in found if result.path not in errors], gaps, rules


def _results(rows: Sequence[dict[str, Any]], root: Path) -> Iterator[Result]:
    for row in rows:
        rule = row["test_id"]
        message = " ".join(row["issue_text"].split())
        if rule in _PASSWORDS:
            message = _SHOWN.sub("", message)  # it holds the password
        level = "note" if row["issue_confidence"] == "LOW" else _LEVELS[row["issue_severity"]]
        yield Result(
            "bandit",
            rule,
            level,
            relative(row["filename"], root),
            message,
            int(row["line_number"]),
            max(0, int(row.get("col_offset", -1))) + 1,
            max((int(row["line_number"]), *(int(n) for n in row["line_range"]))),
        )


def _rule(row: dict[str, Any]) -> Rule:
    number = (row.get("issue_cwe") or {}).get("id")
    tags = ("security", f"external/cwe/cwe-{number}") if number else ("security",)
    return Rule(row["test_id"], row["test_name"], _LEVELS[row["issue_severity"]], row["more_info"], tags)


def _place(result: Result) -> tuple[str, str, int, int]:
    return result.path, result.rule, result.line, result.column


def _excused(result: Result) -> Result:
    return replace(result, excuse=Excuse("inSource", "# nosec"))
