"""Layers over one another: what a container sees of the files that tell of packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.oci.entry import Entry
from slipway.oci.follow import real
from slipway.scan.inventory.interest import format_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slipway.scan.inventory.model import FileFacts, LayerFacts, Package


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is seen: what it says, and the digest of the layer it is in.

    `origins` tells of each of its packages which layer first had it in this file: a database is written anew in each layer
    that installs something.
    """

    facts: FileFacts
    layer: str
    origins: Mapping[Package, str]


@dataclass(frozen=True, slots=True)
class Merged:
    """Files and symlinks of interest by path, symlinks with their text."""

    files: Mapping[str, Found]
    links: Mapping[str, str]

    def find(self, path: str) -> tuple[str, Found] | None:
        """The file that `path` leads to, symlinks of interest followed, with its own path."""
        place = real({p: Entry(p, "symlink", target=t) for p, t in self.links.items()}, path)
        found = self.files.get(place)
        return (place, found) if found else None

    def dangling(self) -> list[tuple[str, str]]:
        """Databases that are symlinks to what was not read: path, and text of the link."""
        return [
            (path, target)
            for path, target in sorted(self.links.items())
            if format_of(path) in ("dpkg-status", "apk", "rpm-sqlite", "rpm-bdb", "rpm-ndb")
            and self.find(path) is None
        ]


def merge(layers: Iterable[tuple[str, LayerFacts]]) -> Merged:
    """(digest, facts) of the layers, the lowest first."""
    files: dict[str, Found] = {}
    links: dict[str, str] = {}
    for digest, facts in layers:
        before = files
        files = {path: found for path, found in files.items() if not facts.hides(path)}
        links = {path: target for path, target in links.items() if not facts.hides(path)}
        for path, said in facts.files.items():
            old = before.get(path)
            known = old.origins if old else {}
            files[path] = Found(said, digest, {p: known.get(p, digest) for p in said.packages})
        links.update(facts.links)
    return Merged(dict(sorted(files.items())), links)
