"""Words of a Dockerfile: texts written so that exactly they come out again.

ENV, LABEL, VOLUME, USER and WORKDIR take quotes and backslashes away and put variables in (Docker's Dockerfile
reference, "Environment replacement"); CMD, ENTRYPOINT and RUN in JSON form do not. No line can hold a line break:
where a word has one, the variable `NEWLINE` stands, an argument of the build.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NEWLINE = "SLIPWAY_NEWLINE"
_PLAIN = pattern(r"[A-Za-z0-9_./:@%+,=-]+")
_SPECIAL = pattern(r'([\\"$])')


def is_plain(text: str) -> bool:
    """Whether `text` means itself wherever it stands."""
    return _PLAIN.fullmatch(text) is not None


def word(text: str) -> str:
    """`text` as one word of an instruction that puts variables in."""
    if is_plain(text):
        return text
    escaped = _SPECIAL.sub(r"\\\1", text).replace("\n", f"${{{NEWLINE}}}")
    return f'"{escaped}"'


def pairs(keyword: str, values: Iterable[tuple[str, str]]) -> str:
    """ENV or LABEL with all the values, one `NAME=VALUE` a line; names hold neither spaces nor `=`."""
    return f"{keyword} " + " \\\n    ".join(f"{word(name)}={word(value)}" for name, value in values)


def listed(argv: Sequence[str]) -> str:
    """The JSON form of CMD, ENTRYPOINT and RUN: no shell, no variables."""
    return json.dumps(list(argv), ensure_ascii=False)


def is_line(text: str) -> bool:
    """Whether `text` can follow RUN, or CMD of HEALTHCHECK, as a line for the shell and arrives there as it is.

    A list in brackets would be taken for the JSON form, leading dashes for a flag, `<<` for a here-document
    (which only newer builders know), and a backslash at the end joins the next line.
    """
    return (
        bool(text)
        and text == text.strip()
        and text.isprintable()
        and not text.startswith(("[", "--"))
        and not text.endswith("\\")
        and "<<" not in text
    )
