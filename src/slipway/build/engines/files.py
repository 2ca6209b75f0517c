"""The content of a layer as plain files of a context, for COPY to give them to somebody."""

from __future__ import annotations

import posixpath
import tarfile
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.oci.entry import END_OF_ARCHIVE, Entry, padding
from slipway.oci.layerindex import layer_index, plain
from slipway.oci.tarread import read_tar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from slipway.oci.store import Descriptor, Store


def directory_of(store: Store, layer: Descriptor) -> str:
    """The deepest directory that all of a layer is in, relative to the root."""
    paths = [f"/{entry.path}" for entry in layer_index(store, layer).entries]
    return posixpath.commonpath([posixpath.dirname(path) for path in paths]).strip("/") if paths else ""


def entries(store: Store, layer: Descriptor, place: str) -> Iterator[bytes]:
    """What is in that directory as pieces of a tar, below `place`."""
    root = directory_of(store, layer)
    made: set[str] = set()

    def moved(path: str) -> str:
        return posixpath.join(place, posixpath.relpath(path, root) if root else path)

    for entry, content in read_tar(plain(store, layer), what=f"layer {layer.digest}"):
        path = moved(entry.path)
        for parent in _parents(path):
            if parent not in made:
                yield Entry(parent, "dir", 0o755).header()
        made.update(_parents(path), [path])
        target = moved(entry.target) if entry.kind == "link" else entry.target
        yield replace(entry, path=path, target=target).header()
        yield from [content] if isinstance(content, bytes) else content
        yield padding(entry.size)


def unpack(pieces: Iterable[bytes], directory: Path) -> None:
    """Write out what `entries` gives, as the user who asks."""
    # the paths are our own, and modes are to stay as they are
    with tempfile.TemporaryFile(dir=directory) as file:
        for piece in pieces:
            file.write(piece)
        file.write(END_OF_ARCHIVE)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            archive.extractall(directory, filter="fully_trusted")  # noqa: S202 - all that is in it we wrote


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
