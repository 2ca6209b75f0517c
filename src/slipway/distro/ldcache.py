"""The cache of the dynamic loader, `/etc/ld.so.cache`, made from a list of libraries instead of by running `ldconfig`.

Format: glibc's "new" cache (`elf/cache.c`, `sysdeps/generic/dl-cache.h`, glibc 2.33 and later), the one that
`ldconfig` writes by default since 2.33. All integers are little-endian:

    header    "glibc-ld.so.cache1.1", entries u32, string bytes u32, byte order u8 (2: little), 3 zero bytes,
              offset of the extensions u32, 12 zero bytes
    entries   flags i32, offset of the name u32, offset of the path u32, 0 u32, hwcap u64     (24 bytes each)
    strings   NUL-terminated, a string that ends another one shares its bytes
    extensions (aligned to 4)  magic, count, then count of {tag, flags, offset, size}, then their data:
              0 generator (text of the program), 1 glibc-hwcaps (string offsets of subdirectory names)

Not covered: the platform subdirectories (`tls`, `haswell`, …) that glibc dropped in 2.37, and the ISA level
marks of libraries in `glibc-hwcaps`; Debian ships neither.
"""

from __future__ import annotations

import re
import struct
from fnmatch import fnmatchcase
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from slipway.distro.native import NativeFile
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from slipway.distro.native import FileReader

SharedObject = TypedDict("SharedObject", {"path": str, "soname": str, "class": int, "machine": int})
"""An ELF shared object: its real path, DT_SONAME ("" if none), ELF class (32 or 64) and e_machine."""

PATH = "etc/ld.so.cache"

_TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
# (class, machine) -> flags, for what ldconfig of that architecture accepts; anything else it leaves out.
_FLAGS = {
    "amd64": {(64, 62): 0x0303, (32, 3): 0x0003, (32, 62): 0x0803},
    "arm64": {(64, 183): 0x0A03, (32, 40): 0x0903},
}
_HWCAPS = "glibc-hwcaps"
_HWCAP_EXTENSION = 1 << 62
_EXTENSION_MAGIC = 0xEAA42174
_LINK_DEPTH = 40
_HEADER = struct.Struct("<20sIIB3xI12x")
_ENTRY = struct.Struct("<iIIIQ")
_DIGITS = pattern(r"(\d+)", re.ASCII)


class _Directory(NamedTuple):
    path: str  # as written in the configuration: that is what goes into the cache
    real: str
    hwcaps: str


class _Library(NamedTuple):
    directory: _Directory
    soname: str
    name: str
    is_link: bool
    flags: int


def search_dirs(read: FileReader, paths: Iterable[str]) -> list[str]:
    """The directories that `/etc/ld.so.conf` and what it includes name, absolute, in order (ldconfig(8)).

    `paths` are the paths of the image among which `include` patterns match.
    """
    candidates = [p for p in paths if p.startswith("etc/")]
    return list(_conf("etc/ld.so.conf", read, candidates, 0))


def cache_file(
    objects: Iterable[SharedObject],
    symlinks: Mapping[str, str],
    arch: str,
    conf_dirs: Sequence[str],
    *,
    libc_version: str,
) -> bytes:
    """The bytes that Debian's `ldconfig` would write.

    `symlinks` maps the path of every symlink of the image (`lib` -> `usr/lib` too) to its target; `conf_dirs` come
    from `search_dirs`; `libc_version` is the version of the package libc-bin (`2.36-9+deb12u14`), which the
    cache names as its generator. `KeyError` for an architecture other than amd64 and arm64.
    """
    libraries = sorted(_libraries(objects, symlinks, arch, conf_dirs), key=_order, reverse=True)
    subdirs = sorted({x.directory.hwcaps for x in libraries} - {""})
    named = [
        (x.soname, join(x.directory.path, x.name if x.directory.hwcaps else x.soname)) for x in libraries
    ]
    strings, offsets = _strings({text for pair in named for text in pair}.union(subdirs))
    base = _HEADER.size + _ENTRY.size * len(libraries)
    entries = b"".join(
        _ENTRY.pack(
            library.flags,
            base + offsets[soname],
            base + offsets[path],
            0,
            _HWCAP_EXTENSION | subdirs.index(library.directory.hwcaps) if library.directory.hwcaps else 0,
        )
        for library, (soname, path) in zip(libraries, named, strict=True)
    )
    end = base + len(strings)
    start = end + -end % 4
    header = _HEADER.pack(b"glibc-ld.so.cache1.1", len(libraries), len(strings), 2, start)
    extensions = _extensions(start, [base + offsets[name] for name in subdirs], libc_version)
    return header + entries + strings + bytes(start - end) + extensions


def soname_links(
    objects: Iterable[SharedObject], symlinks: Mapping[str, str], arch: str, conf_dirs: Sequence[str]
) -> list[NativeFile]:
    """The symlinks from a soname to its library that no package ships and that `ldconfig` would make."""
    shared = {x["path"]: x for x in objects}
    made = []
    for library in _libraries(shared.values(), symlinks, arch, conf_dirs):
        path = join(library.directory.real, library.soname)
        if (
            not library.is_link
            and not library.directory.hwcaps
            and path not in shared
            and path not in symlinks
        ):
            made.append(NativeFile(path, target=library.name))
    return sorted(made, key=lambda file: file.path)


def _conf(path: str, read: FileReader, candidates: Sequence[str], depth: int) -> Iterator[str]:
    if depth > _LINK_DEPTH:  # a file that includes itself
        return
    for raw in read(path).get(path, b"").decode(errors="surrogateescape").splitlines():
        line = raw.partition("#")[0].strip()
        keyword, _, rest = line.partition(" ") if "\t" not in line else line.partition("\t")
        if keyword == "include":
            for pattern in rest.split():
                for match in _glob(join("/", dirname(path), pattern), candidates):
                    yield from _conf(match, read, candidates, depth + 1)
        elif line and keyword.lower() != "hwcap":
            directory = line.partition("=")[0].rstrip().rstrip("/")
            if directory:
                yield directory


def _glob(pattern: str, candidates: Sequence[str]) -> list[str]:
    """Matches of glob(3): `*` crosses no slash and matches no leading dot; sorted by byte."""
    parts = normpath(pattern).lstrip("/").split("/")
    found = []
    for path in candidates:
        names = path.split("/")
        if len(names) == len(parts) and all(
            fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
            for name, part in zip(names, parts, strict=True)
        ):
            found.append(path)
    return sorted(found, key=lambda path: path.encode(errors="surrogateescape"))


def _libraries(
    objects: Iterable[SharedObject], symlinks: Mapping[str, str], arch: str, conf_dirs: Sequence[str]
) -> Iterator[_Library]:
    """One library for each soname of each searched directory, as ldconfig's `search_dir` chooses."""
    accepted = _FLAGS[arch]
    shared = {x["path"]: x for x in objects}
    listing: dict[str, list[str]] = {}
    for path in sorted({*shared, *symlinks}):
        listing.setdefault(dirname(path), []).append(path)
    for directory in _directories(conf_dirs, symlinks, arch, listing):
        chosen: dict[str, _Library] = {}
        for path in listing.get(directory.real, ()):
            name = path.rpartition("/")[2]
            real = _resolve(path, symlinks) if path in symlinks else path
            found = shared.get(real)
            if found is None or not _is_library(name):
                continue
            flags = accepted.get((found["class"], found["machine"]))
            if flags is None:
                continue
            soname = found["soname"] or name
            # The link for the linker (libfoo.so) and the one that bears the soname are aliases; any other link
            # counts as a library of its own.
            is_link = path in symlinks and (
                name == soname or (name.endswith(".so") and soname.startswith(name))
            )
            library = _Library(directory, name if is_link else soname, name, is_link, flags)
            known = chosen.get(library.soname)
            if known is None or _better(library, known):
                chosen[library.soname] = library
        yield from chosen.values()


def _better(new: _Library, old: _Library) -> bool:
    """A file beats a link; among equals the higher version does."""
    if new.is_link != old.is_link:
        return old.is_link
    return _version_key(new.name) > _version_key(old.name)


def _directories(
    conf_dirs: Sequence[str], symlinks: Mapping[str, str], arch: str, listing: Mapping[str, list[str]]
) -> Iterator[_Directory]:
    """What is searched, each real directory once under the first name it is given."""
    triplet = _TRIPLETS[arch]
    seen = set()
    for path in (*conf_dirs, f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib", "/usr/lib"):
        real = _resolve(path.strip("/"), symlinks)
        if real in seen:
            continue
        seen.add(real)
        yield _Directory(path, real, "")
        prefix = f"{real}/{_HWCAPS}/"
        for below in sorted(x for x in listing if x.startswith(prefix)):
            name = below[len(prefix) :]
            if "/" not in name and not name.startswith(".") and ":" not in name:
                yield _Directory(f"{path}/{_HWCAPS}/{name}", below, name)


def _resolve(path: str, symlinks: Mapping[str, str]) -> str:
    """`path` with every symlink followed inside the root; "" when it loops."""
    todo = path.split("/")[::-1]
    done: list[str] = []
    hops = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = done[:-1]
            continue
        done.append(part)
        target = symlinks.get("/".join(done))
        if target is not None:
            hops += 1
            if hops > _LINK_DEPTH:
                return ""
            done = [] if target.startswith("/") else done[:-1]
            todo.extend(target.split("/")[::-1])
    return "/".join(done)


def _is_library(name: str) -> bool:
    return (name.startswith(("lib", "ld-")) and ".so" in name) or name.startswith(("ld.so.", "ld64.so."))


def _order(library: _Library) -> tuple[object, ...]:
    """Greatest first is the order of the cache: the loader searches it by bisection."""
    hwcaps = library.directory.hwcaps
    # Names of subdirectories sort upwards among entries that otherwise sort downwards, and before none at all.
    reverse_name = (*(0x110000 - ord(c) for c in hwcaps), 0x110001)
    return _version_key(library.soname), library.flags, bool(hwcaps), reverse_name


def _version_key(name: str) -> tuple[tuple[int, int], ...]:
    """Sorts as the loader compares names: runs of digits by value and after any other byte."""
    key: list[tuple[int, int]] = []
    for index, part in enumerate(_DIGITS.split(name)):
        if index % 2:
            # The loader counts in a 32-bit int, and must find what it looks for by the same arithmetic.
            key.append((1, (int(part) + 2**31) % 2**32 - 2**31))
        else:
            key.extend((0, byte) for byte in part.encode(errors="surrogateescape"))
    return tuple(key)


def _strings(texts: Iterable[str]) -> tuple[bytes, dict[str, int]]:
    """The string table and the offset of each string in it; one that ends its predecessor is not stored again."""
    table = bytearray()
    offsets: dict[str, int] = {}
    previous = b""
    ordered = sorted((x.encode(errors="surrogateescape")[::-1], x) for x in texts)
    for backwards, text in reversed(ordered):
        if not previous.startswith(backwards):
            table += backwards[::-1] + b"\0"
            previous = backwards
        offsets[text] = len(table) - 1 - len(backwards)
    return bytes(table), offsets


def _extensions(start: int, hwcaps: Sequence[int], libc_version: str) -> bytes:
    upstream = libc_version.rpartition("-")[0] or libc_version
    source = re.sub(r"\+b\d+$", "", libc_version)  # a rebuild of the same source keeps its name
    generator = f"ldconfig (Debian GLIBC {source}) stable release version {upstream}".encode()
    offset = start + 8 + 16 * (2 if hwcaps else 1)
    sections = struct.pack("<4I", 0, 0, offset + 4 * len(hwcaps), len(generator))
    if hwcaps:
        sections += struct.pack("<4I", 1, 0, offset, 4 * len(hwcaps))
    head = struct.pack("<2I", _EXTENSION_MAGIC, len(sections) // 16)
    return head + sections + struct.pack(f"<{len(hwcaps)}I", *hwcaps) + generator
