"""Yarn's lock file: the first version's own format, and YAML since the second (Yarn's documentation: Lockfile)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.inventory.words import word
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Loose, Pin
from slipway.scan.source.pins.strict import yaml_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLASSIC: Final = "# yarn lockfile v1"
_MODERN: Final = "\n__metadata:"
_HEAD: Final = 4096
# What a range may be, if it is none of a registry: an address, or a repository of a forge.
_ADDRESS = pattern(r"(?:[a-z+]+:|[\w.-]+/|\.{0,2}/|git@).*")
_ENTRY = pattern(r'(?:"([^"]+)"|([^\s",:]+))(?:, (?:"[^"]+"|[^\s",:]+))*:')
_VERSION = pattern(r'  version "([^"]*)"')
_DESCRIPTOR = pattern(r"(@?[^@]+)@(.*)")
_OWN: Final = ("workspace:", "link:", "portal:")  # a directory that is looked at by itself
_LONGEST: Final = 4096


def read(text: str) -> Iterator[Pin | Loose]:
    """`InputError` if it is of neither form."""
    if _MODERN in f"\n{text[:_HEAD]}":
        return _modern(text)
    if _CLASSIC in text[:_HEAD] or not text.strip():
        return _classic(text)
    raise InputError("it is no lock file of Yarn")


def _classic(text: str) -> Iterator[Pin | Loose]:
    """Blocks of lines: descriptors at the margin, what they came to below."""
    descriptor, line = "", 0
    for number, row in enumerate(text.splitlines(), 1):
        if found := _VERSION.fullmatch(row):
            if not descriptor:
                raise InputError(f"a version in line {number} is of nothing")
            yield from _resolved(descriptor, found[1], line)
            descriptor = ""
        elif row and not row[0].isspace() and not row.startswith("#"):
            if descriptor or not (head := _ENTRY.fullmatch(row)):
                raise InputError(f"line {number} is not as Yarn writes it")
            descriptor, line = head[1] or head[2], number
    if descriptor:
        raise InputError(f"the entry in line {line} has no version")


def _resolved(descriptor: str, version: str, line: int) -> Iterator[Pin | Loose]:
    name, wanted = _parts(descriptor)
    if wanted.startswith("npm:"):
        alias = _DESCRIPTOR.fullmatch(wanted.removeprefix("npm:"))
        name, wanted = (alias[1], alias[2]) if alias else (name, wanted.removeprefix("npm:"))
    if not _ADDRESS.fullmatch(wanted):
        yield Pin("npm", word(name, "name"), word(version, "version"), line)
    elif not wanted.startswith(_OWN):
        yield Loose("unpinned", f"{word(name, 'name')} is not from an index", line)


def _modern(text: str) -> Iterator[Pin | Loose]:
    """Each entry with its `resolution`, `NAME@PROTOCOL:...`, which says what it really is."""
    lines = Lines(text)
    for key, row in yaml_mapping(text).items():
        if key == "__metadata":
            continue
        found = lines.of(f'\n"{key}":') or lines.of(f"\n{key}:")
        yield from _entry(row, found + 1 if found else 0)


def _entry(row: Any, line: int) -> Iterator[Pin | Loose]:
    resolution = row.get("resolution") if isinstance(row, dict) else None
    if not isinstance(resolution, str) or len(resolution) > _LONGEST:
        raise InputError("an entry of it has no resolution")
    name, place = _parts(resolution)
    if place.startswith("patch:"):  # it is that package still, in that version
        name, place = _parts(unquote(place.removeprefix("patch:").partition("#")[0]))
    if place.startswith("npm:"):
        version = place.removeprefix("npm:").partition("::")[0]
        yield Pin("npm", word(name, "name"), word(version, "version"), line)
    elif not place.startswith(_OWN):
        yield Loose("unpinned", f"{word(name, 'name')} is not from an index", line)


def _parts(descriptor: str) -> tuple[str, str]:
    """The name, and what comes behind its `@`."""
    found = _DESCRIPTOR.fullmatch(descriptor)
    if not found:
        raise InputError(f"{descriptor[:60]!r} is no package")
    return found[1], found[2]
