"""Alpine's order of versions (apk-package(5), "pkgver"): `DIGITS{.DIGITS}[LETTER]{_SUFFIX[DIGITS]}[~HASH][-rDIGITS]`."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from slipway.patterns import pattern
from slipway.scan.versions.incomparable import IncomparableError

Key = tuple[tuple[int, int, int, str], ...]

_VERSION = pattern(
    r"(?P<first>[0-9]+)(?P<more>(?:\.[0-9]+)*)(?P<letter>[a-z]?)(?P<suffixes>(?:_[a-z]+[0-9]*)*)"
    r"(?:~(?P<commit>[0-9a-f]+))?(?:-r(?P<revision>[0-9]+))?"
)
_SUFFIX = pattern(r"_([a-z]+)([0-9]*)")
_BEFORE: Final = ("alpha", "beta", "pre", "rc")  # come before what has no suffix
_AFTER: Final = ("cvs", "svn", "git", "hg", "p")  # come after it
# What comes at the same place of two versions, in order: where one goes on with a suffix and the other with a
# further number, the number is the newer.
_EARLY, _END, _REVISION, _COMMIT, _COUNT, _LATE, _LETTER, _NUMBER = range(8)


@lru_cache(maxsize=1 << 16)
def key(version: str) -> Key:
    """A value that sorts as the version does; `IncomparableError` for what is none."""
    found = _VERSION.fullmatch(version)
    if not found:
        raise IncomparableError("apk", version)
    pieces = [(_NUMBER, 1, int(found["first"]), "")]
    pieces += [_number(text) for text in found["more"].split(".")[1:]]
    if found["letter"]:
        pieces.append((_LETTER, 0, 0, found["letter"]))
    for word, count in _SUFFIX.findall(found["suffixes"]):
        if word in _BEFORE:
            pieces.append((_EARLY, 0, _BEFORE.index(word), ""))
        elif word in _AFTER:
            pieces.append((_LATE, 0, _AFTER.index(word), ""))
        else:
            raise IncomparableError("apk", version)
        if count:
            pieces.append((_COUNT, 0, int(count), ""))
    if found["commit"]:
        pieces.append((_COMMIT, 0, 0, found["commit"]))
    if found["revision"]:
        pieces.append((_REVISION, 0, int(found["revision"]), ""))
    return (*pieces, (_END, 0, 0, ""))


def _number(text: str) -> tuple[int, int, int, str]:
    """A number with a zero in front is a fraction: older than one without, and ordered as text."""
    if text[0] == "0":
        return _NUMBER, 0, 0, text
    return _NUMBER, 1, int(text), ""
