"""RPM's order of versions (RPM's documentation: "RPM Version Comparison" in Package Versioning; rpm-version(7))."""

from __future__ import annotations

from functools import lru_cache

from slipway.patterns import pattern

Part = tuple[tuple[int, int, str], ...]
Key = tuple[tuple[int, str], Part, tuple[int, Part]]

_EPOCH = pattern(r"[0-9]*")
_PIECES = pattern(r"~|\^|[0-9]+|[A-Za-z]+")
# What comes at the same place of two versions, in order: a pre-release, the end, what was added after a release
# (a snapshot), letters, digits.
_TILDE, _END, _CARET, _LETTERS, _DIGITS = range(5)


@lru_cache(maxsize=1 << 16)
def key(version: str) -> Key:
    """A value that sorts as `[EPOCH:]VERSION[-RELEASE]` does; without a release it is older than with any."""
    epoch, colon, rest = version.partition(":")
    if not colon or not _EPOCH.fullmatch(epoch):
        epoch, rest = "", version
    upstream, dash, release = rest.rpartition("-")
    if not dash:
        upstream = rest
    return _number(epoch), _part(upstream), (1, _part(release)) if dash else (0, ())


def _part(text: str) -> Part:
    """Separators only part the pieces; which they are, and how many, is all the same."""
    return (*map(_piece, _PIECES.findall(text)), (_END, 0, ""))


def _piece(text: str) -> tuple[int, int, str]:
    if text == "~":
        return _TILDE, 0, ""
    if text == "^":
        return _CARET, 0, ""
    if text[0].isdigit():
        return _DIGITS, *_number(text)
    return _LETTERS, 0, text


def _number(text: str) -> tuple[int, str]:
    """Digits as something that sorts as the number does, whatever their count."""
    text = text.lstrip("0")
    return len(text), text
