"""Problems of a recipe or a policy as text for people, the way compilers show theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from slipway.recipe.source import printable

if TYPE_CHECKING:
    from slipway.errors import Problem, WrittenError

_WIDTH = 100
_BEFORE = 60  # characters of a long line that are shown before the place


def render_problems(error: WrittenError) -> str:
    """Per problem: `file:line:column: message`, the line, a caret under the place, and the hint.

    Blocks are separated by an empty line; there is no line break at the end. Long lines are cut around the place;
    what a terminal would act upon is shown as escapes.
    """
    return "\n\n".join(_block(problem) for problem in error.problems)


def _block(problem: Problem) -> str:
    lines = [f"{printable(str(problem.where))}: {printable(problem.message)}"]
    if problem.line_text.strip():
        lines += [f"    {part}" for part in _excerpt(problem.line_text, problem.where.column)]
    if problem.hint:
        lines.append(f"  hint: {printable(problem.hint)}")
    return "\n".join(lines)


def _excerpt(line: str, column: int) -> tuple[str, str]:
    """The line, or the part of it around the column, and the caret line below."""
    start = max(0, column - 1 - _BEFORE) if len(line) > _WIDTH else 0
    lead = "…" if start else ""
    tail = "…" if start + _WIDTH < len(line) else ""
    before = lead + _shown(line[start : column - 1])
    after = _shown(line[column - 1 : start + _WIDTH]) + tail
    pad = sum(2 if east_asian_width(c) in "WF" else 1 for c in before)
    return before + after, " " * pad + "^"


def _shown(text: str) -> str:
    return printable(text.replace("\t", "    "))
