"""Requirement files (pip's documentation: Requirements File Format)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.patterns import pattern
from slipway.scan.inventory.python import distribution
from slipway.scan.inventory.words import public_url
from slipway.scan.source.pins.model import Include, Loose, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

_COMMENT = pattern(r"(?:^|\s)#.*")
_OPTIONS = pattern(r"\s--?[a-z][a-z-]*(?:[=\s].*)?$")  # --hash and others behind a requirement
_INCLUDE = pattern(r"(?:-r|-c|--requirement|--constraint)(?:\s*=?\s*)(\S.*)")
_EDITABLE = pattern(r"(?:-e|--editable)(?:\s*=?\s*)(\S.*)")
_ARCHIVE = pattern(r"(?:[a-z+]+://|\.{0,2}/|\S+\.(?:whl|zip|tar\.\w+)\b)")
_LONGEST = 80

Entry = Pin | Loose | Include


def read(text: str) -> Iterator[Entry]:
    """All that the file asks for, each with its line."""
    for number, line in _lines(text):
        if not line:
            continue
        if found := _INCLUDE.fullmatch(line):
            yield Include(found[1].strip("\"'"), number)
        elif found := _EDITABLE.fullmatch(line):
            yield Loose("unpinned", f"{_place(found[1])} is installed from its source", number)
        elif not line.startswith("-"):
            yield _requirement(_OPTIONS.sub("", line).strip(), number)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments; one that ends in a backslash goes on in the next."""
    begun, first = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        first = first if begun else number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            begun += raw[:-1] + " "
            continue
        yield first, _COMMENT.sub("", begun + raw).strip()
        begun = ""
    if begun:
        yield first, _COMMENT.sub("", begun).strip()


def _requirement(line: str, number: int) -> Entry:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return _pin(Requirement(line), number)
    except InvalidRequirement:
        if _ARCHIVE.match(line):
            return Loose("unpinned", f"{_place(line)} is installed from there", number)
        return Loose("unread", "this is no requirement", number)


def _pin(wanted: Requirement, number: int) -> Entry:
    if wanted.url:
        return Loose("unpinned", f"{wanted.name} is not from an index, but from {_place(wanted.url)}", number)
    exact = [each for each in wanted.specifier if each.operator in ("==", "===") and "*" not in each.version]
    if not exact:
        said = f" (only {wanted.specifier})" if wanted.specifier else ""
        return Loose("unpinned", f"{wanted.name} has no exact version{said}", number)
    found = distribution(wanted.name, exact[0].version)
    return Pin("pypi", found.name, found.version, number)


def _place(text: str) -> str:
    """Where something is, without what may be secret in an address."""
    place = text.strip().partition(" ")[0]
    return (public_url(place) if "://" in place else place)[:_LONGEST] or "an address"
