"""What one layer says of packages: read from its tar stream in one pass, and kept for the next time.

cache/inventory/<hex>.json    the facts of the layer whose blob has this digest
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError, StoreError
from slipway.files import read_json, write_json
from slipway.oci import compress
from slipway.oci.layerindex import OPAQUE, WHITEOUT, Counter, is_whiteout
from slipway.oci.tarread import read_tar
from slipway.scan.inventory.collect import Collector
from slipway.scan.inventory.model import LayerFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

VERSION: Final = 1  # of what is kept; to be raised when readers learn something
# Layers of programs and data shrink to a half or a tenth; only what is made to be a trap shrinks to a thousandth.
_RATIO: Final = 200
_SLACK: Final = 1 << 30
_AHEAD: Final = 8  # pieces, of at most a few MiB each


class FactsCache:
    """Facts by the digest of the blob (`sha256:…`) that they are of."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, digest: str) -> LayerFacts | None:
        data: Any = read_json(self._path(digest))
        if not isinstance(data, dict) or data.get("version") != VERSION:
            return None
        try:
            return LayerFacts.unpack(data)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            return None  # damaged: it can be made again

    def put(self, digest: str, facts: LayerFacts) -> None:
        """Does nothing with facts that are not `lasting`, or when the disk is full: they can be made again."""
        if facts.lasting:
            with suppress(StoreError):
                write_json(self._path(digest), {"version": VERSION, **facts.pack()})

    def _path(self, digest: str) -> Path:
        return self._root / f"{digest.removeprefix('sha256:')}.json"


def read_layer(
    chunks: Iterable[bytes], what: str, again: Callable[[], Iterable[bytes]] | None = None
) -> LayerFacts:
    """The facts of a layer from the bytes of its blob, compressed or not. `InputError` names `what` when it is malformed.
    Names of files may be any bytes, as they may on a disk.

    Memory: the files of interest one at a time, and all paths. `again` reads the blob another time, which is done
    only when a hard link of interest leads to a file that is not.
    """
    counter = Counter()
    removed: set[str] = set()
    opaque: set[str] = set()
    with Collector() as collector:
        for entry, content in read_tar(_ahead(counter.watch(unpacked(chunks, what))), what=what, text=False):
            path = entry.path
            if is_whiteout(path):
                _whiteout(path, removed, opaque)
            elif entry.kind == "file":
                collector.file(path, entry.size, content)
            elif entry.kind == "dir":
                collector.directory(path)
            elif entry.kind == "symlink":
                collector.symlink(path, entry.target)
            elif entry.kind == "link":
                collector.hard_link(path, entry.target)
            else:
                collector.other(path)
        if again is not None and (wanting := collector.wanting):
            for entry, content in read_tar(unpacked(again(), what), what=what, text=False):
                if entry.kind == "file" and entry.path in wanting:
                    collector.linked(entry.path, entry.size, content)
        return collector.finish(counter.digest, removed, opaque)


def _ahead(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same, some pieces ahead in another thread: unpacking and hashing take as long as looking at what comes of it.

    One piece ahead would be none: whoever looks gives the interpreter away only when there is nothing left to look at.
    """
    with ThreadPoolExecutor(1) as pool:
        pending = deque(pool.submit(next, pieces, None) for _ in range(_AHEAD))
        while (piece := pending.popleft().result()) is not None:
            pending.append(pool.submit(next, pieces, None))
            yield piece


def _whiteout(path: str, removed: set[str], opaque: set[str]) -> None:
    parent, slash, name = path.rpartition("/")
    if name == OPAQUE:
        opaque.add(parent)
    elif not name.startswith(".wh..wh."):
        removed.add(f"{parent}{slash}{name.removeprefix(WHITEOUT)}")


def unpacked(chunks: Iterable[bytes], what: str) -> Iterator[bytes]:
    """The plain bytes of something compressed or not. `InputError` when it is damaged, or becomes larger than anything honest."""
    came = 0

    def counted() -> Iterator[bytes]:
        nonlocal came
        for chunk in chunks:
            came += len(chunk)
            yield chunk

    size = 0
    try:
        for piece in compress.decompress(counted()):
            size += len(piece)
            if size > came * _RATIO + _SLACK:
                raise InputError(
                    f"{what} is refused: it unpacks to more than {_RATIO} times its size",
                    details=f"{size} bytes came of {came} so far",
                )
            yield piece
    except InputError as error:
        raise _named(error, what) from error


def _named(error: InputError, what: str) -> InputError:
    return error if what in error.brief else InputError(f"{what}: {error.brief}", details=error.details)
