"""What differs between two layers, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.images.verify_model import Difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.oci.entry import Entry
    from slipway.oci.layerindex import LayerIndex

_ASPECTS: tuple[tuple[str, Callable[[Entry], str]], ...] = (
    ("mode", lambda e: f"{e.mode:04o}"),
    ("owner", lambda e: f"{e.uid}:{e.gid}"),
    ("time", lambda e: str(e.mtime)),
    ("link target", lambda e: e.target),
    ("content", lambda e: f"{e.size} bytes, sha256 {e.sha256}" if e.kind == "file" else ""),
    ("device", lambda e: f"{e.dev[0]},{e.dev[1]}"),
    ("attributes", lambda e: ", ".join(f"{name}={value}" for name, value in e.xattrs)),
)


def layer_differences(where: str, image: LayerIndex, rebuilt: LayerIndex) -> Iterator[Difference]:
    """Every difference, by path; whiteouts and directories count as any other entry.

    Layers with other plain bytes differ: where no entry does, it is their order, their number, or how their headers
    are written.
    """
    ours = {e.path: e for e in image.entries}
    theirs = {e.path: e for e in rebuilt.entries}
    same = True
    for path in sorted(ours.keys() | theirs.keys()):
        for difference in _of_path(where, path or "/", ours.get(path), theirs.get(path)):
            same = False
            yield difference
    if same:
        yield Difference(where, "", "form")


def _of_path(where: str, path: str, ours: Entry | None, theirs: Entry | None) -> Iterator[Difference]:
    if ours is None or theirs is None:
        yield Difference(where, path, "missing" if ours is None else "extra")
    elif ours.kind != theirs.kind:
        yield Difference(where, path, "type", ours.kind, theirs.kind)
    else:
        for what, tell in _ASPECTS:
            if (told := tell(ours)) != (wanted := tell(theirs)):
                yield Difference(where, path, what, told, wanted)
