"""Layers: one block of directory entries, then fragments in a row, then the end of the archive.

Nothing is unpacked and nothing compressed again: the bytes of the fragments are copied and hashed. Only the
uncompressed digest (DiffID, image-spec: config.md) needs the plain bytes, and is made at the same time.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.errors import InputError
from slipway.oci import compress
from slipway.oci.digest import Digest
from slipway.oci.entry import END_OF_ARCHIVE, Entry
from slipway.oci.store import LAYER_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from slipway.oci.fragment import Fragment
    from slipway.oci.store import Store


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer in the store; sizes in bytes."""

    media_type: str
    digest: Digest
    size: int
    diff_id: Digest
    raw_size: int


def directories(
    fragments: Iterable[Fragment], below: Callable[[str], Entry | None] = lambda _: None
) -> dict[str, Entry]:
    """Every directory that the fragments need, by path, parents first; `below` knows those of the layers below.

    A directory has the attributes of the first that names it: the layers below, then the fragments in order; else 0755
    and root. Parents are always named, because engines that find one missing make it up with attributes of
    their own. `InputError` when a path is a directory for one fragment and something else for another.
    """
    found: dict[str, Entry] = {}
    needed: set[str] = set()
    others: set[str] = set()
    for fragment in fragments:
        for entry in fragment.dirs:
            found.setdefault(entry.path, entry)
        others.update(fragment.paths)
    needed.update(found)
    for path in [*found, *others]:
        parent = path.rpartition("/")[0]
        while parent and parent not in needed:
            needed.add(parent)
            parent = parent.rpartition("/")[0]
    if clash := needed & others:
        raise InputError(f"{min(clash)!r} is a directory in one package and a file in another")
    return {p: below(p) or found.get(p) or Entry(p, "dir", 0o755) for p in sorted(needed)}


def assemble(
    store: Store, fragments: Sequence[Fragment], dirs: Mapping[str, Entry], compression: compress.Compression
) -> Layer:
    """Put a layer together and into the store; `dirs` are the `directories` of the fragments.

    No path may come twice (`InputError`; settle conflicts first).
    """
    seen: set[str] = set()
    for fragment in fragments:
        paths = fragment.paths
        if not seen.isdisjoint(paths):
            raise InputError(f"{min(seen.intersection(paths))!r} comes twice in one layer")
        seen.update(paths)
    head = b"".join(e.header() for e in dirs.values())
    with store.writer() as out, ThreadPoolExecutor(1) as pool:
        plain = pool.submit(_plain_digest, head, fragments)
        out.write(compression.compress(head))
        for fragment in fragments:
            for chunk in fragment.chunks():
                out.write(chunk)
        out.write(compression.compress(END_OF_ARCHIVE))
        diff_id, raw_size = plain.result()
    return Layer(f"{LAYER_TYPE}+{compression.suffix}", out.digest, out.size, diff_id, raw_size)


def _plain_digest(head: bytes, fragments: Sequence[Fragment]) -> tuple[Digest, int]:
    digest = hashlib.sha256(head)
    size = len(head) + len(END_OF_ARCHIVE)
    # decompressing takes three times as long as hashing: one thread each
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(int)
        for chunk in _plain(fragments):
            pending.result()
            pending = pool.submit(_update, digest, chunk)
            size += len(chunk)
        pending.result()
    digest.update(END_OF_ARCHIVE)
    return Digest("sha256:" + digest.hexdigest()), size


def _update(digest: hashlib._Hash, chunk: bytes) -> int:
    digest.update(chunk)
    return 0


def _plain(fragments: Sequence[Fragment]) -> Iterator[bytes]:
    for fragment in fragments:
        yield from compress.decompress(fragment.chunks())
