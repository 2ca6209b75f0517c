"""What is in a layer: every entry of its tar stream, read once and kept beside the store.

    store/indexes/<blob hex>.json     the entries of one layer blob, with the digest and size of its plain bytes

Layers change what is below them by whiteouts (image-spec: layer.md, Whiteouts): `.wh.NAME` removes NAME,
`.wh..wh..opq` everything in its directory. `merged` applies them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slipway.errors import StoreError
from slipway.files import atomic, read_json
from slipway.oci import compress
from slipway.oci import digest as dg
from slipway.oci.digest import Digest
from slipway.oci.entry import Entry
from slipway.oci.tarread import read_tar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from slipway.oci.store import Descriptor, Store

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_VERSION = 1
_MOST_KEPT = 8 << 20  # bytes of a file
Kept = dict[Digest, dict[str, bytes]]  # contents by the layer that has them, and path


@dataclass(frozen=True)
class LayerIndex:
    """The entries of a layer in stream order, directories and whiteouts included; sizes in bytes."""

    diff_id: Digest
    raw_size: int
    entries: tuple[Entry, ...]

    @cached_property
    def present(self) -> dict[str, Entry]:
        """The entries that are there, by path; of a path that comes twice the last, as unpacking has it."""
        return {e.path: e for e in self.entries if e.path and not is_whiteout(e.path)}

    @cached_property
    def removed(self) -> frozenset[str]:
        """The paths that whiteouts remove from the layers below, each with everything under it."""
        paths = (e.path.rpartition("/") for e in self.entries if is_whiteout(e.path))
        return frozenset(
            f"{parent}{slash}{name.removeprefix(WHITEOUT)}"
            for parent, slash, name in paths
            if not name.startswith(".wh..wh.")
        )

    @cached_property
    def opaque(self) -> frozenset[str]:
        """The directories of which nothing below shows ("" is the root)."""
        return frozenset(
            e.path.rpartition("/")[0] for e in self.entries if e.path.rpartition("/")[2] == OPAQUE
        )

    def hides(self, path: str) -> bool:
        """Whether `path` of a layer below cannot be seen through this one."""
        if "" in self.opaque:
            return True
        present = self.present
        if path in self.removed or (path in present and present[path].kind != "dir"):
            return True
        parent = path.rpartition("/")[0]
        while parent:
            if parent in self.removed or parent in self.opaque:
                return True
            if parent in present and present[parent].kind != "dir":
                return True
            parent = parent.rpartition("/")[0]
        return False


def is_whiteout(path: str) -> bool:
    return path.rpartition("/")[2].startswith(WHITEOUT)


def plain(store: Store, layer: Descriptor) -> Iterator[bytes]:
    """The uncompressed bytes of a layer; `StoreError` at the end when the blob is not what its digest says."""
    return compress.decompress(verified(store, layer))


def layer_index(
    store: Store, layer: Descriptor, keep: Iterable[str] = (), kept: Kept | None = None
) -> LayerIndex:
    """The index of a layer blob; made by reading the blob the first time. `InputError` for a malformed one.

    Contents that come by in that reading, of the files that `keep` names, are put into `kept`, for `read_files`.
    """
    if known := known_index(store, layer):
        return known
    contents: dict[str, bytes] = {}
    index = _read(store, layer, frozenset(keep), contents)
    if kept is not None:
        kept[layer.digest] = contents
    value: dict[str, Any] = {
        "version": _VERSION,
        "diff_id": index.diff_id,
        "raw_size": index.raw_size,
        "entries": [e.pack() for e in index.entries],
    }
    with atomic(_path(store, layer)) as file:
        file.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
    return index


def known_index(store: Store, layer: Descriptor) -> LayerIndex | None:
    """The index of a layer blob that was read before, wherever the blob is now."""
    data = read_json(_path(store, layer))
    if not isinstance(data, dict) or data.get("version") != _VERSION:
        return None
    entries = tuple(Entry.unpack(row) for row in data["entries"])
    return LayerIndex(Digest(data["diff_id"]), data["raw_size"], entries)


def merged(indexes: Iterable[LayerIndex]) -> dict[str, Entry]:
    """What a container sees of these layers (the lowest first), by path."""
    seen: dict[str, Entry] = {}
    for index in indexes:
        clears = index.removed or index.opaque or _replaces(index, seen)
        if seen and clears:
            seen = {path: entry for path, entry in seen.items() if not index.hides(path)}
        seen.update(index.present)
    return seen


def read_files(
    store: Store, layers: Sequence[Descriptor], paths: Iterable[str], kept: Kept | None = None
) -> dict[str, bytes]:
    """The contents of these regular files as a container sees them; what is not there is left out.

    Symlinks are not followed; hard links are. Only layers that hold a wanted file are read, and no further than needed;
    what is in `kept` (by layer, then path) is not read again.
    """
    wanted = set(paths)
    found: dict[str, bytes] = {}
    for layer in reversed(layers):
        if not wanted:
            break
        index = layer_index(store, layer)
        here = {p: index.present[p] for p in wanted if p in index.present}
        sources = {
            p: e.target if e.kind == "link" else p for p, e in here.items() if e.kind in ("file", "link")
        }
        if sources:
            contents = dict((kept or {}).get(layer.digest, {}))
            if unread := set(sources.values()) - contents.keys():
                contents |= _contents(store, layer, unread)
            found.update({p: contents[s] for p, s in sources.items() if s in contents})
        wanted = {p for p in wanted if p not in here and not index.hides(p)}
    return found


def _path(store: Store, layer: Descriptor) -> Path:
    return store.root / "indexes" / f"{dg.hex_of(layer.digest)}.json"


def _replaces(index: LayerIndex, below: Mapping[str, Entry]) -> bool:
    return any(e.kind != "dir" and below[p].kind == "dir" for p, e in index.present.items() if p in below)


def _contents(store: Store, layer: Descriptor, paths: set[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry, content in read_tar(plain(store, layer), what=f"layer {layer.digest}"):
        if entry.kind == "file" and entry.path in paths:
            found[entry.path] = content if isinstance(content, bytes) else b"".join(content)
            if len(found) == len(paths):
                break
    return found


def _read(store: Store, layer: Descriptor, keep: frozenset[str], kept: dict[str, bytes]) -> LayerIndex:
    counter = Counter()
    entries: list[Entry] = []
    for entry, content in read_tar(counter.watch(plain(store, layer)), what=f"layer {layer.digest}"):
        if entry.kind != "file":
            entries.append(entry)
            continue
        digest = hashlib.sha256()
        wanted: list[bytes] = []
        for piece in (content,) if isinstance(content, bytes) else content:
            digest.update(piece)
            if entry.path in keep and entry.size <= _MOST_KEPT:
                wanted.append(piece)
        if wanted:
            kept[entry.path] = b"".join(wanted)
        entries.append(replace(entry, sha256=digest.hexdigest()))
    return LayerIndex(counter.digest, counter.size, tuple(entries))


class Counter:
    """Digest and size of the bytes that pass by: `for chunk in counter.watch(chunks)`."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def digest(self) -> Digest:
        return Digest("sha256:" + self._hash.hexdigest())


def verified(store: Store, layer: Descriptor) -> Iterator[bytes]:
    """The bytes of a layer blob as they are; `StoreError` when it is missing, or at the end if it is damaged."""
    digest = hashlib.sha256()
    try:
        with store.path(layer.digest).open("rb") as file:
            while chunk := file.read(compress.CHUNK):
                digest.update(chunk)
                yield chunk
    except FileNotFoundError as error:
        raise StoreError(
            f"the store lacks the layer {layer.digest}", hint="build or load the image again"
        ) from error
    if "sha256:" + digest.hexdigest() != layer.digest:
        raise StoreError(f"the layer {layer.digest} is damaged", hint="remove the file and build again")
