"""Whether a version is among those that an advisory names (OSV schema 1.7: "Evaluation")."""

from __future__ import annotations

from functools import cmp_to_key, partial
from typing import TYPE_CHECKING

from slipway.scan.versions.ecosystems import scheme_of
from slipway.scan.versions.order import IncomparableError, compare

if TYPE_CHECKING:
    from slipway.scan.model import Affected, Range


def affected(entry: Affected, version: str) -> bool:
    """What is listed is affected whatever the ranges say: they disagree on pre-releases, and the list is exact.

    `IncomparableError` when the version is not listed and nobody can tell whether it is within a range.
    """
    if version in entry.versions:
        return True
    scheme = scheme_of(entry.ecosystem)
    unclear: IncomparableError | None = None
    for span in entry.ranges:
        try:
            if _within(scheme, span, version):
                return True
        except IncomparableError as error:
            unclear = error
    if unclear:
        raise unclear
    return not entry.ranges and any(_same(scheme, listed, version) for listed in entry.versions)


def fixes(entry: Affected, version: str) -> tuple[str, ...]:
    """The versions in which it is repaired, oldest first: those of the ranges that `version` is in, or else all newer ones."""
    scheme = scheme_of(entry.ecosystem)
    repaired = [span for span in entry.ranges if span.fixed]
    try:
        found = {span.fixed for span in repaired if _within(scheme, span, version)}
        found = found or {s.fixed for s in repaired if compare(scheme, s.fixed, version) > 0}
        return tuple(sorted(sorted(found), key=cmp_to_key(partial(compare, scheme))))
    except IncomparableError:
        return tuple(dict.fromkeys(span.fixed for span in repaired))


def _within(scheme: str, span: Range, version: str) -> bool:
    if span.introduced and compare(scheme, version, span.introduced) < 0:
        return False
    if span.fixed:
        return compare(scheme, version, span.fixed) < 0
    return not span.last_affected or compare(scheme, version, span.last_affected) <= 0


def _same(scheme: str, listed: str, version: str) -> bool:
    """Whether two spellings are of the same version; what is no version is spelled in one way."""
    try:
        return compare(scheme, listed, version) == 0
    except IncomparableError:
        return False
