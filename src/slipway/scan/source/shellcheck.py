"""shellcheck over shell scripts (shellcheck(1): `--format json1`), where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.errors import ToolError
from slipway.scan.source.model import Gap, Result, Rule
from slipway.scan.source.programs import answer, relative

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from slipway.scan.source.model import Level

_LEVELS: Final[dict[str, Level]] = {"error": "error", "warning": "warning", "info": "note", "style": "note"}
_ARGV: Final = ("--norc", "--format", "json1")
_OK: Final = (0, 1)  # 1: it found something
_UNPARSABLE: Final = range(1000, 2000)  # its rules of syntax: what comes after such an error is not looked at
_WIKI: Final = "https://www.shellcheck.net/wiki/"

Said = tuple[list[Result], list[Gap], dict[str, Rule]]


def run(program: str, files: Sequence[str], root: Path) -> Said:
    """What it finds. What a `# shellcheck disable` excuses it does not tell."""
    told, _ = answer([program, *_ARGV], files, root, _OK)
    found: list[Result] = []
    gaps: dict[str, Gap] = {}
    rules: dict[str, Rule] = {}
    try:
        for row in told["comments"]:
            result = _result(row, root)
            found.append(result)
            rules[result.rule] = Rule(result.rule, result.message, result.level, f"{_WIKI}{result.rule}")
            if row["code"] in _UNPARSABLE and row["level"] == "error":
                why = f"shellcheck could not read it: {result.message}"
                gaps.setdefault(result.path, Gap("shellcheck", "unparsable", why, result.path, result.line))
    except (KeyError, TypeError, ValueError) as error:
        raise ToolError("shellcheck's report is not as expected", details=repr(error)[:200]) from error
    return found, list(gaps.values()), rules


def _result(row: dict[str, Any], root: Path) -> Result:
    return Result(
        "shellcheck",
        f"SC{int(row['code'])}",
        _LEVELS[row["level"]],
        relative(row["file"], root),
        " ".join(row["message"].split()),
        int(row["line"]),
        int(row["column"]),
        int(row["endLine"]),
    )
