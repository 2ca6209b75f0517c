"""A wheel becomes a fragment: what an installer would write into a virtual environment, without one.

PyPA specifications: binary distribution format; recording installed projects. Files are written in the order of
their paths, so that the fragment depends on the contents of the wheel and not on how its archive was packed.
Left out: signatures of RECORD (they sign the wheel's RECORD, not the one that is installed), and byte code.
"""

from __future__ import annotations

import hashlib
import itertools
import posixpath
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.oci.entry import NO_TIME, Entry
from slipway.oci.fragment import Component
from slipway.python import directurl, metadata, record, scripts
from slipway.python.keys import wheel_key
from slipway.python.wheelzip import WheelZip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from zipfile import ZipInfo

    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter
    from slipway.python.model import Dist, PythonTarget

INSTALLER = "slipway"
_MAX_SCRIPT = 64 << 20  # bytes of a script that has to be held to change its first line
_OWN = frozenset(("INSTALLER", "REQUESTED", "RECORD", "RECORD.jws", "RECORD.p7s", "direct_url.json"))
# What the environment itself consists of; no wheel may put its own in their place.
_RESERVED = ("pyvenv.cfg", "bin", "bin/activate", "bin/python", "bin/python3", "lib", "lib64", "include")


def wheel_fragment(
    cache: FragmentCache, path: Path, dist: Dist, target: PythonTarget, *, prefix: str, requested: bool
) -> Fragment:
    """The fragment of the wheel at `path` (for a source distribution: the one built from it) below `prefix`.

    `prefix` is the environment's root without a leading slash (`pyats`). `requested` says that a person asked for
    it by name. `InputError` for a wheel that is malformed, hostile, or not what `dist` says. `extra` holds
    `requires`, `requires_python`, `scripts`, `top_level`, `license`, `summary` and `size` (unpacked bytes).
    """
    component = Component("pypi", dist.name, dist.version, f"pkg:pypi/{dist.name}@{dist.version}")

    def fill(writer: FragmentWriter) -> dict[str, Any]:
        with WheelZip(path, dist.filename) as archive:
            return _Conversion(archive, writer, dist, target, prefix, requested=requested).run()

    key = wheel_key(cache, dist, target, prefix, requested)
    return cache.make(key, component, fill)


class _Conversion:
    """One wheel on its way into a fragment."""

    def __init__(
        self,
        archive: WheelZip,
        writer: FragmentWriter,
        dist: Dist,
        target: PythonTarget,
        prefix: str,
        *,
        requested: bool,
    ) -> None:
        self._archive = archive
        self._writer = writer
        self._dist = dist
        self._target = target
        self._prefix = prefix
        self._requested = requested
        self._site = target.site_packages(prefix)
        self._interpreter = posixpath.join("/", prefix, "bin", "python")
        self._rows: list[tuple[str, str, int]] = []
        self._info = metadata.info_directory(archive.files, dist)
        metadata.check_wheel(archive, self._info, dist, target)
        self._facts = metadata.check_metadata(archive, self._info, dist)
        self._record = record.parse(archive.read(f"{self._info}/RECORD", 64 << 20), dist.filename)

    def run(self) -> dict[str, Any]:
        own = {f"{self._info}/{name}" for name in _OWN}
        launchers = {posixpath.join(self._prefix, "bin", p.name): p for p in self._entry_points()}
        places = {source: self._place(source) for source in self._archive.files}
        self._check_tree({*launchers, *(dest for dest, _ in places.values())})
        commands = set(launchers)
        size = 0
        for source, (dest, script) in sorted(places.items(), key=lambda item: item[1][0]):
            info = self._archive.files[source]
            if source in own:
                continue
            if script:
                commands.add(dest)
            # an installer writes its launchers last, so that they win over a script of that name
            if dest in launchers:
                continue
            size += self._copy(source, info, dest, script=script)
        for dest, point in sorted(launchers.items()):
            size += self._make(dest, scripts.launcher(point, self._interpreter), 0o755)
        size += self._make(f"{self._site}/{self._info}/INSTALLER", f"{INSTALLER}\n".encode())
        if self._requested:
            self._make(f"{self._site}/{self._info}/REQUESTED", b"")
        if (address := directurl.render(self._dist, self._prefix)) is not None:
            size += self._make(f"{self._site}/{self._info}/direct_url.json", address)
        table = f"{self._info}/RECORD"
        size += self._make(f"{self._site}/{table}", record.render(self._rows, table))
        return {
            **{k: v for k, v in self._facts.items() if k != "name"},
            "scripts": sorted(posixpath.basename(c) for c in commands),
            "top_level": self._top_level(),
            "size": size,
        }

    def _copy(self, source: str, info: ZipInfo, dest: str, *, script: bool) -> int:
        """Write one of the wheel's files, checked against RECORD; its size as written."""
        content = self._archive.content(info)
        if script:
            return self._copy_script(source, info, dest, content)
        mode = 0o755 if (info.external_attr >> 16) & 0o111 else 0o644
        self._put(source, dest, mode, info.file_size, content)
        return info.file_size

    def _copy_script(self, source: str, info: ZipInfo, dest: str, content: bytes | Iterator[bytes]) -> int:
        """Write a script; one that asks for the environment's interpreter gets it into its first line."""
        if not isinstance(content, bytes):
            first = next(content)
            content = itertools.chain((first,), content)
            if first.startswith(scripts.MARK):
                if info.file_size > _MAX_SCRIPT:
                    raise InputError(f"{self._dist.filename}: {source} is too large for a script")
                content = b"".join(content)
        if not isinstance(content, bytes) or not content.startswith(scripts.MARK):
            self._put(source, dest, 0o755, info.file_size, content)
            return info.file_size
        for _ in self._verified(source, content):
            pass
        return self._make(dest, scripts.rewrite(content, self._interpreter), 0o755)

    def _put(self, source: str, dest: str, mode: int, size: int, content: bytes | Iterator[bytes]) -> None:
        expected = self._expected(source)
        usual = expected.startswith("sha256=")
        sha256 = self._writer.add(
            Entry(dest, "file", mode, size=size, mtime=NO_TIME),
            content if usual else self._verified(source, content),
        )
        digest = record.spell(sha256)
        if usual and digest != expected:  # hashed by the writer already; nothing is kept of what fails here
            raise self._unlike(source)
        self._rows.append((self._recorded(dest), digest, size))

    def _make(self, dest: str, content: bytes, mode: int = 0o644) -> int:
        """Write a file that the wheel does not hold in this form; its size."""
        sha256 = self._writer.add(Entry(dest, "file", mode, size=len(content), mtime=NO_TIME), content)
        self._rows.append((self._recorded(dest), record.spell(sha256), len(content)))
        return len(content)

    def _expected(self, source: str) -> str:
        """What RECORD says of a file: `algorithm=value`, without padding."""
        expected = self._record.get(source, "").rstrip("=")
        if expected.partition("=")[0] not in record.STRONG:
            raise InputError(f"{self._dist.filename}: RECORD has no sound hash of {source}")
        return expected

    def _verified(self, source: str, content: bytes | Iterable[bytes]) -> Iterator[bytes]:
        """The content in pieces; `InputError` after the last when it is not what RECORD says."""
        expected = self._expected(source)
        algorithm, _, value = expected.partition("=")
        digest = hashlib.new(algorithm)
        for piece in (content,) if isinstance(content, bytes) else content:
            digest.update(piece)
            yield piece
        if record.encode(digest.digest()) != value:
            raise self._unlike(source)

    def _unlike(self, source: str) -> InputError:
        return InputError(f"{self._dist.filename}: {source} is not what its RECORD says")

    def _recorded(self, dest: str) -> str:
        """A path as RECORD writes it: relative to site-packages."""
        if dest.startswith(self._site + "/"):
            return dest[len(self._site) + 1 :]
        return posixpath.relpath(dest, self._site)

    def _entry_points(self) -> list[scripts.EntryPoint]:
        name = f"{self._info}/entry_points.txt"
        if name not in self._archive.files:
            return []
        text = self._archive.read(name, metadata.LIMIT).decode("utf-8", "replace")
        return scripts.for_target(
            scripts.entry_points(text, self._dist.filename), self._dist.name, self._target
        )

    def _place(self, source: str) -> tuple[str, bool]:
        """Where a file goes, and whether it is a script (binary distribution format, "The .data directory")."""
        root, _, rest = source.partition("/")
        if not root.endswith(".data") or not rest:
            return f"{self._site}/{source}", False
        scheme, _, rest = rest.partition("/")
        if scheme in ("purelib", "platlib") and rest:
            return f"{self._site}/{rest}", False
        if scheme == "scripts" and rest:
            return self._outside(source, f"bin/{rest}"), True
        if scheme == "headers" and rest:
            name = self._facts["name"]
            return self._outside(source, f"include/site/python{self._target.short}/{name}/{rest}"), False
        if scheme == "data" and rest:
            return self._outside(source, rest), False
        raise InputError(f"{self._dist.filename}: {source} is for no place that is known")

    def _outside(self, source: str, rest: str) -> str:
        """A path in the environment but outside site-packages."""
        if rest in _RESERVED or rest == f"bin/python{self._target.short}":
            raise InputError(
                f"{self._dist.filename}: {source} would replace a part of the environment itself"
            )
        if rest.startswith("lib64/"):
            rest = f"lib/{rest.removeprefix('lib64/')}"  # in an environment, lib64 is a link to lib
        return posixpath.join(self._prefix, rest)

    def _check_tree(self, dests: set[str]) -> None:
        """No path may be a file and also a directory above another."""
        above: set[str] = set()
        for dest in dests:
            parent = dest.rpartition("/")[0]
            while parent and parent not in above:
                above.add(parent)
                parent = parent.rpartition("/")[0]
        if both := sorted(above & dests):
            raise InputError(f"{self._dist.filename}: {both[0]!r} is both a file and a directory")

    def _top_level(self) -> list[str]:
        """The names that can be imported from the root: packages, modules, extensions."""
        names = set()
        for path, _, _ in self._rows:
            first, slash, _ = path.partition("/")
            if (
                not first.endswith(".dist-info")
                and first != ".."
                and (slash or ".py" in first or ".so" in first)
            ):
                names.add(first.partition(".")[0])
        return sorted(names - {"__pycache__"})
