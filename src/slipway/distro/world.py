"""All packages of an image seen at once: which paths there are, and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.oci.fragment import Fragment

_PATH, _KIND = 0, 1
_TARGET = 8


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package; `info` is the stem of its files in dpkg's database, `extra` what `deb_fragment` noted."""

    name: str
    version: str
    arch: str
    info: str
    fields: dict[str, str]
    extra: dict[str, Any]


class World:
    """What the fragments of an image hold together; a path in two of them is that of the later one."""

    def __init__(self, fragments: Sequence[Fragment]) -> None:
        self.fragments = fragments
        self._known: dict[str, bytes] = {}

    @cached_property
    def packages(self) -> dict[str, Package]:
        """By name, in the order of the fragments (one architecture: no name comes twice)."""
        found = (_package(f) for f in self.fragments if f.component.kind == "deb")
        return {p.name: p for p in found}

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind of every path, directories included."""
        kinds = {row[_PATH]: "dir" for f in self.fragments for row in f.dir_rows}
        kinds.update((row[_PATH], row[_KIND]) for f in self.fragments for row in f.rows)
        return kinds

    @cached_property
    def symlinks(self) -> dict[str, str]:
        return {r[_PATH]: r[_TARGET] for f in self.fragments for r in f.rows if r[_KIND] == "symlink"}

    @cached_property
    def holders(self) -> dict[str, tuple[int, list[Any]]]:
        """Path -> (index of the fragment that holds it, its row there)."""
        return {row[_PATH]: (n, row) for n, f in enumerate(self.fragments) for row in f.rows}

    def read(self, *paths: str) -> dict[str, bytes]:
        """The contents of those paths that are files (or hard links to files); symlinks are not followed."""
        wanted: dict[int, dict[str, list[str]]] = {}
        for path in paths:
            holder = self.holders.get(path)
            if path not in self._known and holder is not None and holder[1][_KIND] in ("file", "link"):
                index, row = holder
                while row[_KIND] == "link":  # its target stands before it in the same fragment
                    row = next(r for r in self.fragments[index].rows if r[_PATH] == row[_TARGET])
                wanted.setdefault(index, {}).setdefault(row[_PATH], []).append(path)
        for index, places in wanted.items():
            for place, content in self.fragments[index].read(*places).items():
                for path in places[place]:
                    self._known[path] = content
        return {p: self._known[p] for p in paths if p in self._known}

    def text(self, path: str) -> str:
        """A file as text; empty when there is none."""
        return self.read(path).get(path, b"").decode(errors="replace")

    def has(self, path: str) -> bool:
        return path in self.kinds

    def below(self, directory: str) -> list[str]:
        """The entries right in a directory that are not directories, sorted."""
        prefix = directory + "/"
        return sorted(p for p in self.holders if p.startswith(prefix) and "/" not in p[len(prefix) :])

    def scripts(self, name: str) -> Iterator[tuple[Package, str]]:
        """Every package's maintainer script of this name (`postinst`), as text."""
        paths = {p.name: f"var/lib/dpkg/info/{p.info}.{name}" for p in self.packages.values()}
        self.read(*paths.values())
        for package in self.packages.values():
            if text := self.text(paths[package.name]):
                yield package, text


def _package(fragment: Fragment) -> Package:
    fields = dict(fragment.extra["control"])
    name, arch = fields["Package"], fields["Architecture"]
    info = f"{name}:{arch}" if fields.get("Multi-Arch") == "same" else name
    return Package(name, fields["Version"], arch, info, fields, fragment.extra)
