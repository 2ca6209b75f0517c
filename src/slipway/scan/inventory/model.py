"""What one layer says of packages, as values, and as plain data for the cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.scan.model import Kind


@dataclass(frozen=True, slots=True)
class Package:
    """A package as one file of a layer tells of it; fields as in `slipway.scan.model.Component`.

    `qualifiers` are (key, value) for its purl beside those that every package of its kind has. `owns` are the files of
    other packagings (`.dist-info/METADATA`, ...) that it says are its own, by canonical path.
    """

    kind: Kind
    name: str
    version: str
    arch: str = ""
    source_name: str = ""
    source_version: str = ""
    licenses: tuple[str, ...] = ()
    direct_url: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    owns: tuple[str, ...] = ()

    def pack(self) -> list[Any]:
        """Compact JSON form; trailing empty fields are cut."""
        row: list[Any] = [
            self.kind,
            self.name,
            self.version,
            self.arch,
            self.source_name,
            self.source_version,
            list(self.licenses),
            self.direct_url,
            [list(q) for q in self.qualifiers],
            list(self.owns),
        ]
        while not row[-1]:
            row.pop()
        return row

    @classmethod
    def unpack(cls, row: list[Any]) -> Package:
        rest = row[3:]
        arch, source, source_version, licenses, url, qualifiers, owns = rest + _EMPTY[len(rest) :]
        pairs = tuple((k, v) for k, v in qualifiers)
        return cls(
            row[0], row[1], row[2], arch, source, source_version, tuple(licenses), url, pairs, tuple(owns)
        )


_EMPTY: list[Any] = ["", "", "", (), "", (), ()]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one file says. `paths` are files it lists as its package's own; `text` is what else is to be known of it.

    `problems` tell what in it could not be read.
    """

    packages: tuple[Package, ...] = ()
    paths: tuple[str, ...] = ()
    text: str = ""
    problems: tuple[str, ...] = ()

    def pack(self) -> dict[str, Any]:
        full = {
            "packages": [p.pack() for p in self.packages],
            "paths": list(self.paths),
            "text": self.text,
            "problems": list(self.problems),
        }
        return {key: value for key, value in full.items() if value}

    @classmethod
    def unpack(cls, data: Mapping[str, Any]) -> FileFacts:
        return cls(
            tuple(Package.unpack(row) for row in data.get("packages", ())),
            tuple(data.get("paths", ())),
            data.get("text", ""),
            tuple(data.get("problems", ())),
        )


@dataclass(frozen=True)
class LayerFacts:
    """What a layer has, and what it does to those below it; paths are relative and clean.

    `diff_id` is the digest of its plain bytes. `files` are the files that tell of packages, `links` the symlinks in
    such places with their text. `others` is every path that is no directory; `dirs` are directories where such a file could
    be. `removed` and `opaque` are as in `slipway.oci.layerindex.LayerIndex`. Unless `lasting`, another try may
    tell more (a program was missing), so they are not kept.
    """

    diff_id: str = ""
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    dirs: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    lasting: bool = True

    def hides(self, path: str) -> bool:
        """Whether `path` of a layer below cannot be seen through this one (image-spec: layer.md, Whiteouts)."""
        if "" in self.opaque or path in self.removed or path in self.others or path in self.dirs:
            return True
        parent = path.rpartition("/")[0]
        while parent:
            if parent in self.removed or parent in self.opaque or parent in self.others:
                return True
            parent = parent.rpartition("/")[0]
        return False

    def pack(self) -> dict[str, Any]:
        return {
            "diff_id": self.diff_id,
            "files": {path: facts.pack() for path, facts in sorted(self.files.items())},
            "links": dict(sorted(self.links.items())),
            # one string is read ten times as fast as tens of thousands; no path holds a NUL
            "others": "\0".join(sorted(self.others)),
            "dirs": sorted(self.dirs),
            "removed": sorted(self.removed),
            "opaque": sorted(self.opaque),
        }

    @classmethod
    def unpack(cls, data: Mapping[str, Any]) -> LayerFacts:
        return cls(
            data["diff_id"],
            {path: FileFacts.unpack(facts) for path, facts in data["files"].items()},
            data["links"],
            frozenset(data["others"].split("\0") if data["others"] else ()),
            frozenset(data["dirs"]),
            frozenset(data["removed"]),
            frozenset(data["opaque"]),
        )
