"""Ranges of versions as VEX documents write them (purl specification: "Version range specifier", `vers`): `vers:deb/>=1.2|<2.0`.

Only schemes are known whose order is exactly that of the tools: where nobody can tell whether a version is within, none is.
"""

from __future__ import annotations

from functools import cmp_to_key, lru_cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import unquote

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.versions.order import compare

if TYPE_CHECKING:
    from slipway.scan.model import Kind

Comparator = Literal["=", "!=", "<", "<=", ">", ">="]
_COMPARATORS: Final[tuple[Comparator, ...]] = (">=", "<=", "!=", "<", ">", "=")  # the long ones first
_LESS: Final = ("<", "<=")
_BOUNDS: Final = (*_LESS, ">", ">=")
_LONGEST: Final = 4096  # characters; CycloneDX 1.6: `versionRange`
_VERSION = pattern(r"[0-9A-Za-z][0-9A-Za-z.+~^:!_-]*")  # dpkg and rpm find an order in anything
# Kinds of packages by scheme, and the order of their versions.
_SCHEMES: Final[dict[str, tuple[tuple[Kind, ...], str]]] = {
    "deb": (("deb",), "dpkg"),
    "rpm": (("rpm",), "rpm"),
    "apk": (("apk",), "apk"),
    "alpine": (("apk",), "apk"),
    "pypi": (("pypi",), "pep440"),
    "npm": (("npm",), "semver"),
    "cargo": (("cargo",), "semver"),
    "golang": (("golang",), "semver"),
    "semver": (("npm", "cargo", "golang"), "semver"),
}
_ANY: Final = "*"


class UnclearRangeError(InputError):
    """Nobody can tell whether a version is in this range; `brief` says why."""


class _Constraint(NamedTuple):
    comparator: Comparator
    version: str


class _Range(NamedTuple):
    """`constraints` are sorted by version; () stands for any version."""

    kinds: tuple[Kind, ...]
    order: str
    constraints: tuple[_Constraint, ...]


def within(text: str, kind: Kind, version: str) -> bool:
    """Whether this version of a package of that kind is in the range.

    `UnclearRangeError` for what is no range, for a scheme that is not known or of other packages, and for versions that have
    no place in its order.
    """
    if text in ("vers:all/*", "vers:none/*"):
        return text == "vers:all/*"
    span = _parsed(text)
    if kind not in span.kinds:
        raise _unclear(text, f"it does not order packages of the kind {kind}")
    try:
        places = [compare(span.order, version, c.version) for c in span.constraints]
    except InputError as error:
        raise _unclear(text, error.brief) from error
    return _holds(span.constraints, places)


def _holds(constraints: tuple[_Constraint, ...], places: list[int]) -> bool:
    """Checking if a version is contained; `places` tells how it compares with that of each constraint."""
    if not constraints:
        return True
    pairs = list(zip((c.comparator for c in constraints), places, strict=True))
    if same := [comparator for comparator, place in pairs if place == 0]:
        return same[0] in ("=", "<=", ">=")
    upper = [(comparator in _LESS, place) for comparator, place in pairs if comparator in _BOUNDS]
    # lower and upper bounds alternate: the nearest on each side tell
    newer = next((is_upper for is_upper, place in upper if place < 0), True)
    older = next((is_upper for is_upper, place in reversed(upper) if place > 0), False)
    return bool(upper) and newer and not older


@lru_cache(maxsize=1024)
def _parsed(text: str) -> _Range:
    """Parsing and validating version range specifiers."""
    plain = text.replace(" ", "").replace("\t", "")
    scheme, slash, rest = plain.removeprefix("vers:").partition("/")
    if len(text) > _LONGEST or not plain.startswith("vers:") or not slash or not rest:
        raise _unclear(text, "it is not written as such ranges are")
    if scheme not in _SCHEMES:
        raise _unclear(text, f"the order of versions of {scheme[:40]!r} is not known here")
    kinds, order = _SCHEMES[scheme]
    if rest == _ANY:
        return _Range(kinds, order, ())
    constraints = [_constraint(piece, text) for piece in rest.split("|") if piece]
    by_version = cmp_to_key(partial(compare, order))
    try:
        for constraint in constraints:
            compare(order, constraint.version, constraint.version)  # one alone would be compared with nothing
        constraints.sort(key=lambda c: by_version(c.version))
        twice = any(compare(order, a.version, b.version) == 0 for a, b in pairwise(constraints))
    except InputError as error:
        raise _unclear(text, error.brief) from error
    if twice:
        raise _unclear(text, "it names a version twice")
    _check(constraints, text)
    return _Range(kinds, order, tuple(constraints))


def _constraint(piece: str, text: str) -> _Constraint:
    comparator = next((c for c in _COMPARATORS if piece.startswith(c)), None)
    version = unquote(piece[len(comparator or "") :])
    if not _VERSION.fullmatch(version):
        raise _unclear(text, "it is not written as such ranges are")
    return _Constraint(comparator or "=", version)


def _check(constraints: list[_Constraint], text: str) -> None:
    """Normalized, canonical representation and validation: what may follow what."""
    meant = [c.comparator for c in constraints if c.comparator != "!="]
    if not meant:
        raise _unclear(text, "it names only versions that are not in it")
    after_equal = any(a == "=" and b in _LESS for a, b in pairwise(meant))
    bounds = [c in _LESS for c in meant if c != "="]
    if after_equal or any(a == b for a, b in pairwise(bounds)):
        raise _unclear(text, "its bounds contradict each other")


def _unclear(text: str, why: str) -> UnclearRangeError:
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return UnclearRangeError(f"{shown!r}: {why}")
