"""Patterns of paths, as in .gitignore files (gitignore(5)): without a slash they mean a name anywhere, with one they begin at the root."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PARTS = r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|[^*?\[]+|\["
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Tells whether a path, or a directory above it, fits any of the patterns."""
    wanted = [_translated(glob) for glob in globs]
    if not wanted:
        return lambda _: False
    return re.compile("|".join(wanted), re.DOTALL).fullmatch  # type: ignore[return-value]


def _translated(glob: str) -> str:
    text = glob.removeprefix(".").rstrip("/") if glob.startswith("./") else glob.rstrip("/")
    start = "" if "/" in text else "(?:.*/)?"
    body = "".join(_piece(part) for part in re.findall(_PARTS, text.removeprefix("/")))
    return f"{start}{body}(?:/.*)?"


def _piece(part: str) -> str:
    if part in _WILD:
        return _WILD[part]
    if part.startswith("[") and part.endswith("]"):
        inside = part[1:-1].replace("\\", r"\\")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(part)
