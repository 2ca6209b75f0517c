"""Entries of package indexes (Debian repository format, "Packages Indices"): what a scan asks of them, and no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from slipway.distro.version import key
from slipway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = re.compile(rb"^(Package|Version|Source|Filename|Size|SHA256):[ \t]*(\S.*?)[ \t\r]*$", re.MULTILINE)
_SOURCE = re.compile(r"([a-z0-9][a-z0-9+.-]*)(?: \(([^()\s]+)\))?")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
_VERSION = re.compile(r"[A-Za-z0-9.+:~-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST: Final = 1000


class Binary(NamedTuple):
    """A binary package; `filename` is below the archive's root."""

    name: str
    version: str
    source: str
    source_version: str
    filename: str
    size: int
    sha256: str


def newest(stanzas: Iterable[bytes]) -> list[Binary]:
    """The newest version of each package, sorted by name; `InputError` for an entry that makes no sense."""
    found: dict[str, Binary] = {}
    for stanza in stanzas:
        binary = read(stanza)
        known = found.get(binary.name)
        if known is None or key(binary.version) > key(known.version):
            found[binary.name] = binary
    return [found[name] for name in sorted(found)]


def read(stanza: bytes) -> Binary:
    fields = {name: value.decode(errors="replace") for name, value in _FIELDS.findall(stanza)}
    name, version = fields.get(b"Package", ""), fields.get(b"Version", "")
    filename, sha256, size = (
        fields.get(b"Filename", ""),
        fields.get(b"SHA256", ""),
        fields.get(b"Size", ""),
    )
    source = _SOURCE.fullmatch(fields.get(b"Source", name))
    good = (
        _NAME.fullmatch(name)
        and _VERSION.fullmatch(version)
        and _SHA256.fullmatch(sha256)
        and size.isascii()
        and size.isdigit()
        and len(filename) < _LONGEST
        and not filename.startswith("/")
        and ".." not in filename.split("/")
    )
    if not good or source is None:
        raise InputError(f"package index: malformed entry for {name[:60]!r}")
    return Binary(name, version, source[1], source[2] or version, filename, int(size), sha256)
