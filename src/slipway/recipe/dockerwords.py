r"""Words of Dockerfile instructions: what quotes and backslashes do (Docker's Dockerfile reference, "Environment replacement").

Variables are put in when an instruction is carried out; here a `$` that stands for none becomes `\$`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = r"""(?s)(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\]|["'\\])+"""
_PART = r"""(?s)\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'|(.)"""


def words(text: str, start: int = 0) -> Iterator[re.Match[str]]:
    """What white space separates, from `start` on, with its quotes and backslashes."""
    return re.compile(_WORD).finditer(text, start)


def is_closed(word: str) -> bool:
    """Whether each quote in it has its end."""
    return not any(match[4] in ('"', "'") for match in re.finditer(_PART, word))


def unquoted(word: str) -> str:
    """`word` as it is meant, but for its variables."""
    return re.sub(_PART, _part, word)


def _part(match: re.Match[str]) -> str:
    escaped, double, single, other = match.groups()
    if escaped is not None:
        return r"\$" if escaped == "$" else str(escaped)
    if double is not None:
        return re.sub(r'\\(["\\])', r"\1", double)
    return str(single).replace("$", r"\$") if single is not None else str(other)
