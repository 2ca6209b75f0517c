"""`%ENV{NAME}` in the texts of a recipe: a variable of whoever builds.

`%ENV{NAME:-text}` is `text` where the variable is unset or empty; `%%ENV{` stands for `%ENV{` itself. Spaces around the
name do not count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slipway.recipe.nodes import Substituted, Wrong
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK = "%ENV{"

# The lengths are bounded so that a text full of references without an end costs little.
_REFERENCE = r"%%ENV\{|%ENV\{(?:\s{0,64}([^\s{}:=]{1,256})\s{0,64}(?::-([^}]{0,1024}))?\})?"


def substitute(text: str, environ: Mapping[str, str], limit: int) -> tuple[str, Substituted, list[Wrong]]:
    """`text` with what its references stand for, where that was put in, and everything that is wrong with them.

    Their `at` is the index in `text`. It ends early once more than `limit` characters were put together.
    """
    out: list[str] = []
    pieces: list[tuple[int, int, int]] = []
    wrong: list[Wrong] = []
    length = done = 0
    for match in re.finditer(_REFERENCE, text):
        piece = _piece(match, environ)
        if isinstance(piece, Wrong):
            wrong.append(piece)
            continue
        start = length + match.start() - done
        out += (text[done : match.start()], piece)
        length, done = start + len(piece), match.end()
        pieces.append((start, length, match.start()))
        if length > limit:
            break
    out.append(text[done:])
    return "".join(out), Substituted(text, tuple(pieces)), wrong


def _piece(match: re.Match[str], environ: Mapping[str, str]) -> str | Wrong:
    if match[0] == "%" + MARK:
        return MARK
    name, default = match[1], match[2]
    if name is None:
        hint = f"write %ENV{{NAME}} or %ENV{{NAME:-text}}; for the text itself, %{MARK}"
        return Wrong(match.start(), f"{quote(MARK)} does not name a variable of the environment", hint)
    value = environ.get(name, "")
    if not value and default is not None:
        return str(default)
    if name not in environ:
        hint = f"set it, or write %ENV{{{name}:-text}} for when it is not"
        return Wrong(match.start(), f"the environment has no variable {quote(name)}", hint)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return Wrong(
                match.start(), f"the variable {quote(name)} of the environment is not UTF-8 text", ""
            )
    return value
