"""One version of a package that could be chosen, read from its stanza in a Packages index."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.distro.deb822 import read_fields
from slipway.distro.model import Deb
from slipway.distro.relation import Group, Relation, parse_groups, parse_list
from slipway.errors import InputError
from slipway.patterns import pattern

_SOURCE = pattern(r"(\S+)(?:\s+\(([^()\s]+)\))?\s*\Z")
_SHA256 = pattern(r"[0-9a-f]{64}\Z")
_SAFE_NAME = pattern(r"[a-z0-9][a-z0-9+.-]*\Z")
_SAFE_VERSION = pattern(r"[A-Za-z0-9.+:~-]+\Z")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package and its relationships. `depends` holds Pre-Depends first, `conflicts` also Breaks."""

    deb: Deb
    depends: tuple[Group, ...] = ()
    provides: tuple[Relation, ...] = ()
    conflicts: tuple[Relation, ...] = ()

    @property
    def name(self) -> str:
        return self.deb.name

    @property
    def version(self) -> str:
        return self.deb.version


def read_candidate(stanza: str, archive: str) -> Candidate:
    """Read a stanza of the index of the archive at `archive` (a URI); `InputError` when it is malformed."""
    fields = read_fields(stanza)
    try:
        name, version, arch = fields["package"], fields["version"], fields["architecture"]
        filename, sha256, size = fields["filename"], fields["sha256"], int(fields["size"])
        installed_size = int(fields.get("installed-size", "0"))
    except (KeyError, ValueError) as error:
        raise InputError(
            f"package index: incomplete entry for {fields.get('package', '?')}: {error}"
        ) from error
    if not (_SAFE_NAME.match(name) and _SAFE_VERSION.match(version) and _SHA256.match(sha256) and size >= 0):
        raise InputError(f"package index: malformed entry for {name!r}")
    if filename.startswith("/") or ".." in filename.split("/"):
        raise InputError(f"package index: {name} has the file name {filename!r}")
    source, source_version = _source_of(fields.get("source", ""), name, version)
    deb = Deb(
        name=name,
        version=version,
        arch=arch,
        filename=filename,
        url=f"{archive}/{filename}",
        sha256=sha256,
        size=size,
        source=source,
        source_version=source_version,
        multi_arch=fields.get("multi-arch", ""),
        essential=fields.get("essential", "") == "yes",
        priority=fields.get("priority", ""),
        installed_size=installed_size,
    )
    return Candidate(
        deb,
        parse_groups(fields.get("pre-depends", "")) + parse_groups(fields.get("depends", "")),
        parse_list(fields.get("provides", "")),
        parse_list(fields.get("conflicts", "")) + parse_list(fields.get("breaks", "")),
    )


def _source_of(text: str, name: str, version: str) -> tuple[str, str]:
    """Source name and version, each empty when it equals the binary's."""
    match = _SOURCE.match(text)
    if match is None:
        return "", ""
    return ("" if match[1] == name else match[1]), ("" if match[2] in (None, version) else match[2])
