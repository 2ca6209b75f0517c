"""A .deb becomes a fragment: its files where a merged /usr has them, and its part of dpkg's database.

Nothing is executed and nothing touches the disk but the fragment itself.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from slipway.distro import scripts
from slipway.distro.ar import deb_parts, plain
from slipway.distro.control import SCRIPTS, Control, read_control
from slipway.distro.elf import shared_object
from slipway.distro.keys import deb_key
from slipway.distro.usrmerge import ALIASES, goes_to, place
from slipway.errors import InputError, StoreError
from slipway.oci.fragment import Component
from slipway.oci.tarread import Limits, read_tar
from slipway.patterns import pattern

__all__ = ["deb_fragment", "deb_key", "purl"]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from slipway.distro.model import Deb
    from slipway.oci.entry import Entry
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter

_MOST_ENTRIES: Final = 1_000_000
_MOST_BYTES: Final = 16 << 30
_RATIO: Final = 100  # unpacked to packed; the packages of a base system reach 9
_SLACK: Final = 64 << 20
_CONTROL: Final = pattern(r"[\x00-\x1f\x7f]")
_INFO: Final = "var/lib/dpkg/info/"
_DEEPEST: Final = 100  # parts of a path
_IN_MEMORY: Final = 8 << 20


def deb_fragment(cache: FragmentCache, deb: Deb, path: Path, *, clamp: int | None = None) -> Fragment:
    """The fragment of the .deb at `path`, whose hash the caller has checked; made once, then taken from the cache.

    Times are those in the package, none later than `clamp` (Unix seconds) when that is given. Owners are the
    numbers in the package. `extra` holds

    - `control`: [[field, value], ...] in the order of the package;
    - `conffiles`: [[absolute path, md5], ...];
    - `triggers`: [[directive, name], ...];
    - `scripts`: see `scripts.digest`;
    - `elf`: [{path, soname, class, machine}, ...] of files named like shared objects.

    `InputError` for a package that is damaged, hostile, or another than `deb` says.
    """
    key = deb_key(cache, deb.sha256, clamp=clamp)
    if (known := cache.get(key)) is not None:
        return known
    what = f"package {deb.name}"
    try:
        with path.open("rb") as file:
            parts = deb_parts(file, what)
            control = read_control(plain(file, parts.control, what), what)
            _check(control, deb, what)
            limits = Limits(_MOST_ENTRIES, min(_MOST_BYTES, parts.data.size * _RATIO + _SLACK))
            entries = read_tar(plain(file, parts.data, what), limits=limits, what=what)
            return cache.make(
                key, _component(deb), lambda writer: _Filling(writer, control, clamp, what).fill(entries)
            )
    except FileNotFoundError as error:
        raise StoreError(f"the cache lost {path.name} while it was in use; build again") from error


def purl(deb: Deb) -> str:
    """package-url specification, type deb; namespace and qualifiers as its type definition has them."""
    return f"pkg:deb/debian/{quote(deb.name, safe='')}@{quote(deb.version, safe=':')}?arch={deb.arch}"


def _component(deb: Deb) -> Component:
    return Component("deb", deb.name, deb.version, purl(deb), deb.arch, deb.source or deb.name)


def _check(control: Control, deb: Deb, what: str) -> None:
    for field, wanted in (("Package", deb.name), ("Version", deb.version), ("Architecture", deb.arch)):
        if control.get(field) != wanted:
            raise InputError(f"{what}: the file says {field}: {control.get(field)}, the index says {wanted}")


class _Filling:
    """Writes one package into one fragment."""

    def __init__(self, writer: FragmentWriter, control: Control, clamp: int | None, what: str) -> None:
        self._writer = writer
        self._control = control
        self._clamp = clamp
        self._what = what
        self._listed: list[str] = []
        self._links: list[str] = []
        self._dirs: set[str] = set()
        self._leaves: dict[str, str] = {}  # path -> kind
        self._md5: dict[str, str] = {}  # absolute path as packaged -> hex
        self._elf: list[dict[str, Any]] = []
        self._conffiles = frozenset(control.conffiles)
        self._hash_all = "md5sums" not in control.files

    def fill(self, entries: Iterable[tuple[Entry, bytes | Iterator[bytes]]]) -> dict[str, Any]:
        # The database comes first: what makes the system's own files reads it and can then stop early.
        self._database(self._control.files)
        for entry, content in entries:
            # dpkg unpacks, and so lists, symlinks last
            (self._links if entry.kind == "symlink" else self._listed).append("/" + (entry.path or "."))
            self._entry(entry, content)
        self._check_tree()
        self._closing()
        return {
            "control": [list(x) for x in self._control.fields],
            "conffiles": [[p, self._md5[p]] for p in self._control.conffiles if p in self._md5],
            "triggers": [list(x) for x in self._control.triggers],
            "scripts": scripts.digest(
                {n: self._control.text(n) for n in SCRIPTS if n in self._control.files}
            ),
            "elf": self._elf,
        }

    def _entry(self, entry: Entry, content: bytes | Iterator[bytes]) -> None:
        if entry.path.count("/") >= _DEEPEST:
            raise InputError(f"{self._what} holds a path that is absurdly deep: {entry.path[:80]}…")
        if _CONTROL.search(entry.path):  # dpkg's lists have a path a line
            raise InputError(f"{self._what} holds a path with control characters: {entry.path[:80]!r}")
        if entry.path.startswith(_INFO) and entry.kind != "dir":
            raise InputError(f"{self._what} holds a file of dpkg's own database: {entry.path}")
        path = place(entry.path, entry.kind)
        mtime = entry.mtime if self._clamp is None else min(entry.mtime, self._clamp)
        moved = replace(entry, path=path, mtime=mtime)
        if entry.kind == "dir":
            # what is a symlink in the end says nothing about the directory that it leads to
            if path not in self._dirs and entry.path not in ALIASES:
                self._writer.directory(path, mode=entry.mode, uid=entry.uid, gid=entry.gid, mtime=mtime)
            self._dirs.add(path)
            return
        if entry.kind == "link":
            moved = replace(moved, target=place(entry.target, "file"))
            if self._leaves.get(moved.target) not in ("file", "link"):
                raise InputError(
                    f"{self._what}: {entry.path} is a hard link to {entry.target}, which is not in it"
                )
        if entry.kind == "symlink" and goes_to(path, entry.target) == path:
            return  # a bridge between / and /usr, which the merge makes needless
        self._leaves[path] = entry.kind
        self._writer.add(moved, self._watched(entry, path, content) if entry.kind == "file" else b"")

    def _watched(self, entry: Entry, path: str, content: bytes | Iterator[bytes]) -> bytes | Iterable[bytes]:
        """The content, looked at on its way where dpkg's database or the linker's cache will want to know it."""
        name = "/" + entry.path
        hashed = self._hash_all or name in self._conffiles
        is_library = ".so" in path.rpartition("/")[2]
        if not hashed and not is_library:
            return content
        return self._look(
            (content,) if isinstance(content, bytes) else content, name, path, hashed, is_library
        )

    def _look(
        self, content: Iterable[bytes], name: str, path: str, hashed: bool, is_library: bool
    ) -> Iterator[bytes]:
        md5 = hashlib.md5(usedforsecurity=False)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
            for chunk in content:
                if hashed:
                    md5.update(chunk)
                if is_library:
                    copy.write(chunk)
                yield chunk
            if hashed:
                self._md5[name] = md5.hexdigest()
            if is_library and (found := shared_object(copy)):
                self._elf.append(
                    {"path": path, "soname": found.soname, "class": found.bits, "machine": found.machine}
                )

    def _check_tree(self) -> None:
        """Refuse a package whose own paths collide, or lead through one of its symlinks (and so anywhere)."""
        parents: set[str] = set()
        for path in (*self._leaves, *self._dirs):
            parent = path.rpartition("/")[0]
            if parent in parents:
                continue
            parents.add(parent)
            while parent:
                if parent in self._leaves:
                    self._refuse(parent, "has something below it")
                parent = parent.rpartition("/")[0]
        for path in self._dirs & self._leaves.keys():
            self._refuse(path, "is a directory, too")

    def _refuse(self, path: str, why: str) -> None:
        raise InputError(f"{self._what}: {path} is a {self._leaves[path]} and yet {why}")

    def _database(self, files: dict[str, Any]) -> None:
        for name in sorted(files):
            file = files[name]
            self._info(name, file.content, mode=0o755 if file.mode & 0o111 else 0o644)

    def _closing(self) -> None:
        """What dpkg writes itself: the list of paths as packaged, and hashes where the package brings none."""
        if self._hash_all:
            lines = (f"{m}  {p[1:]}\n" for p, m in self._md5.items())
            self._info("md5sums", "".join(lines).encode())
        self._info("list", "".join(f"{p}\n" for p in self._listed + self._links).encode())

    def _info(self, name: str, content: bytes, *, mode: int = 0o644) -> None:
        mtime = self._control.mtime if self._clamp is None else min(self._control.mtime, self._clamp)
        path = f"var/lib/dpkg/info/{self._control.info_name}.{name}"
        self._leaves[path] = "file"
        self._writer.file(path, content, mode=mode, mtime=mtime)
