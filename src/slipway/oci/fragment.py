"""Fragments: immutable compressed slices of a tar stream, each with an index beside it.

A fragment holds entries that are not directories (a layer must not name a path twice, and directories are shared);
the directories it needs are in its index. It has no end-of-archive blocks, so that fragments of one
compression can be concatenated into a layer. On disk a fragment is two files, `<key>.tar.<suffix>` and
`<key>.json`; the index is written last and makes the fragment exist.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from slipway.errors import InputError, StoreError
from slipway.files import atomic, read_json
from slipway.oci import compress
from slipway.oci.digest import Digest, key_of
from slipway.oci.entry import Entry, padding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from slipway.oci.fragmentwriter import FragmentWriter

VERSION = 2


@dataclass(frozen=True, slots=True)
class Component:
    """What a fragment is, in the words of a software bill of materials; `purl` as the package-url specification has it."""

    kind: Literal["deb", "pypi", "file", "git", "generated"]
    name: str
    version: str = ""
    purl: str = ""
    arch: str = ""
    source: str = ""


@dataclass(frozen=True)
class Fragment:
    """A fragment on disk. `size` counts compressed, `raw_size` plain bytes; `digest` is of the compressed ones.

    `extra` is what its maker wants to know again without opening the blob (JSON values).
    """

    key: str
    component: Component
    blob: Path
    digest: Digest
    size: int
    raw_size: int
    rows: list[list[Any]] = field(repr=False)
    dir_rows: list[list[Any]] = field(repr=False)
    extra: dict[str, Any] = field(repr=False)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(Entry.unpack(row) for row in self.rows)

    @cached_property
    def dirs(self) -> tuple[Entry, ...]:
        return tuple(Entry.unpack(row) for row in self.dir_rows)

    @property
    def paths(self) -> list[str]:
        return [row[0] for row in self.rows]

    def chunks(self) -> Iterator[bytes]:
        """The compressed bytes."""
        try:
            with self.blob.open("rb") as file:
                while chunk := file.read(compress.CHUNK):
                    yield chunk
        except FileNotFoundError as error:
            raise StoreError(f"the cache lost {self.blob.name} while it was in use; build again") from error

    def members(self) -> Iterator[tuple[Entry, bytes]]:
        """Every entry with its whole content, in order (memory: one file at a time, plus a chunk)."""
        stream = _Stream(compress.decompress(self.chunks()))
        for entry in self.entries:
            stream.skip(len(entry.header()))
            data = stream.take(entry.size)
            stream.skip(len(padding(entry.size)))
            yield entry, data

    def read(self, *paths: str) -> dict[str, bytes]:
        """The contents of these files, as far as they are here."""
        wanted = set(paths) & {row[0] for row in self.rows}
        found: dict[str, bytes] = {}
        stream = _Stream(compress.decompress(self.chunks()))
        for entry in self.entries:
            if len(found) == len(wanted):
                break
            stream.skip(len(entry.header()))
            if entry.path in wanted:
                found[entry.path] = stream.take(entry.size)
            else:
                stream.skip(entry.size)
            stream.skip(len(padding(entry.size)))
        return found


class FragmentCache:
    """The fragments kept on this machine, found by key. Safe for many threads and processes."""

    def __init__(self, root: Path, compression: compress.Compression, *, fresh: bool = False) -> None:
        """With `fresh`, fragments that were made before this object was are made anew."""
        self.root = root
        self.compression = compression
        self._made: set[str] | None = set() if fresh else None

    def key(self, *parts: Any) -> str:
        """The key for a fragment that these parts determine, together with the compressor and the format."""
        return key_of(VERSION, self.compression.name, *parts)

    def get(self, key: str) -> Fragment | None:
        index, blob = self._files(key)
        if self._stale(key):
            return None
        data = read_json(index)
        if not isinstance(data, dict) or not blob.is_file():
            return None
        os.utime(index)  # the time of last use is what `store gc` goes by
        return Fragment(
            key,
            Component(**data["component"]),
            blob,
            Digest(data["digest"]),
            data["size"],
            data["raw_size"],
            data["entries"],
            data["dirs"],
            data["extra"],
        )

    def has(self, key: str) -> bool:
        return not self._stale(key) and self._files(key)[0].is_file()

    def make(
        self, key: str, component: Component, fill: Callable[[FragmentWriter], dict[str, Any] | None]
    ) -> Fragment:
        """The fragment of this key; when it is not there, `fill` writes it and returns its `extra`."""
        if (known := self.get(key)) is not None:
            return known
        from slipway.oci.fragmentwriter import FragmentWriter

        index, blob = self._files(key)
        with atomic(blob) as file:
            writer = FragmentWriter(file, self.compression, component.name)
            extra = fill(writer) or {}
            digest = writer.finish()
        with atomic(index) as file:
            file.write(
                json.dumps(
                    {
                        "component": asdict(component),
                        "digest": digest,
                        "size": writer.size,
                        "raw_size": writer.raw_size,
                        "extra": extra,
                        "dirs": writer.dir_rows,
                        "entries": writer.rows,
                    },
                    separators=(",", ":"),
                    ensure_ascii=False,
                ).encode()
            )
        if self._made is not None:
            self._made.add(key)
        return Fragment(
            key, component, blob, digest, writer.size, writer.raw_size, writer.rows, writer.dir_rows, extra
        )

    def without(self, fragment: Fragment, paths: Iterable[str]) -> Fragment:
        """`fragment` less these paths (that another fragment provides); itself when it holds none of them."""
        drop = frozenset(paths) & set(fragment.paths)
        if not drop:
            return fragment

        def fill(writer: FragmentWriter) -> dict[str, Any]:
            for entry, data in fragment.members():
                if entry.path not in drop:
                    writer.add(entry, data)
            writer.dir_rows.extend(fragment.dir_rows)
            return fragment.extra

        return self.make(self.key("without", fragment.key, sorted(drop)), fragment.component, fill)

    def _stale(self, key: str) -> bool:
        return self._made is not None and key not in self._made

    def _files(self, key: str) -> tuple[Path, Path]:
        stem = self.root / key[:2] / key
        return stem.with_suffix(".json"), stem.with_suffix(f".tar.{self.compression.kind}")


class _Stream:
    """Take and skip exact numbers of bytes from a stream of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        parts: list[bytes] = []
        self._walk(size, parts)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        self._walk(size, None)

    def _walk(self, size: int, parts: list[bytes] | None) -> None:
        while size:
            if self._at == len(self._buffer):
                self._buffer = next(self._chunks, b"")
                self._at = 0
                if not self._buffer:
                    raise InputError("a fragment ends early")
            piece = self._buffer[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            if parts is not None:
                parts.append(piece)
