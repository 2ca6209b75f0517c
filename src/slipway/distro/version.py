"""Debian's order of versions (deb-version(7), "Sorting algorithm"; Debian policy 5.6.12)."""

from __future__ import annotations

import operator
from functools import cache

from slipway.patterns import pattern

Key = tuple[int, tuple[str | int, ...], tuple[str | int, ...]]

_RUNS = pattern(r"([^0-9]*)([0-9]*)")
# The end of a run sorts after `~` and before everything else; letters sort before other characters.
_TILDE, _END, _LETTERS = "\x00", "\x01", 0x100
_WEIGHT = {
    code: _TILDE if chr(code) == "~" else chr(code) if chr(code).isalpha() else chr(code + _LETTERS)
    for code in range(0x20, 0x7F)
}

COMPARE = {
    "<<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">>": operator.gt,
    "<": operator.le,  # the old spellings mean "or equal" (deb-control(5) of dpkg 1.4)
    ">": operator.ge,
}


@cache
def key(version: str) -> Key:
    """A value that sorts as the version does: epoch, upstream version, revision."""
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    # a missing revision equals revision 0
    return int(epoch), _part(upstream), _part(revision or "0")


def _part(text: str) -> tuple[str | int, ...]:
    out: list[str | int] = []
    for letters, digits in _RUNS.findall(text):
        out.append(letters.translate(_WEIGHT) + _END)
        out.append(int(digits or 0))
    return tuple(out)


def satisfies(version: str, relation: str, wanted: str) -> bool:
    """Whether `version` stands in `relation` (`<<`, `<=`, `=`, `>=`, `>>`, or empty for any) to `wanted`."""
    return not relation or bool(COMPARE[relation](key(version), key(wanted)))
