"""The local files of a recipe, taken back out of the image that was made from them.

Whoever verifies an image need not have what it was built from: its workspace layer holds the bytes, and the
lock their hashes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.errors import InputError, UsageError
from slipway.files import disk
from slipway.images.verify_model import Difference
from slipway.inputs import tree
from slipway.oci.entry import Entry, clean_path
from slipway.oci.layerindex import layer_index, plain
from slipway.oci.tarread import read_tar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from slipway.lock.model import LockedFile
    from slipway.oci.store import Descriptor, Store

_FILE, _EXECUTABLE = 0o644, 0o755


def take_files(
    store: Store,
    layer: Descriptor,
    files: Sequence[LockedFile],
    workspace: str,
    directory: Path,
    others: Sequence[str] = (),
) -> tuple[list[Path], list[Difference]]:
    """Write `files` out of `layer` to places below `directory`; these, in their order. `others` are destinations of things
    that are not taken, which may lie in trees of `files`.

    What is not what the lock says is a difference, and nothing is written then. `UsageError` when it cannot be told which
    of several trees, one below the other, a directory belongs to.
    """
    present = layer_index(store, layer).present
    places = [clean_path(f"{workspace}/{file.dest}") for file in files]
    claimed = [*places, *(clean_path(f"{workspace}/{dest}") for dest in others)]
    differences: list[Difference] = []
    wanted: dict[str, tuple[Path, Entry]] = {}
    for number, (file, place) in enumerate(zip(files, places, strict=True)):
        target = directory / str(number)
        if file.kind == "file":
            found, entries = _file(file, place, present.get(place))
        else:
            nested = [p for p in claimed if p.startswith(f"{place}/")]
            found, entries = _tree(file, place, present, nested)
        differences += found
        for entry in entries:
            relative = entry.path.removeprefix(place).lstrip("/")
            wanted[entry.path] = (target / relative if relative else target, entry)
    if not differences:
        with disk(directory):
            _write(store, layer, wanted)
    return [directory / str(number) for number in range(len(files))], differences


def _file(file: LockedFile, place: str, entry: Entry | None) -> tuple[list[Difference], list[Entry]]:
    where = "workspace"
    if entry is None:
        return [Difference(where, place, "missing")], []
    if entry.kind != "file":
        return [Difference(where, place, "type", entry.kind, "file")], []
    if entry.sha256 != file.sha256:
        return [_content(where, place, entry.sha256, file.sha256)], []
    # the mode is the lock's: if the image has another one, its layer will differ
    return [], [replace(entry, mode=file.mode)]


def _tree(
    file: LockedFile, place: str, present: Mapping[str, Entry], nested: Sequence[str]
) -> tuple[list[Difference], list[Entry]]:
    claimed = tuple(f"{other}/" for other in nested)
    here = [
        entry
        for path, entry in sorted(present.items(), key=lambda item: item[0].encode())
        if path == place or (path.startswith(f"{place}/") and not f"{path}/".startswith(claimed))
    ]
    root = present.get(place)
    if root is None:
        return [Difference("workspace", place, "missing")], []
    if root.kind != "dir":
        return [Difference("workspace", place, "type", root.kind, "dir")], []
    # directories that only lead to another item may or may not be in this tree
    used = {p for e in here if e.kind != "dir" for p in _parents(e.path)}
    leads = {p for other in nested for p in _parents(other)} - used
    tries = (here, [e for e in here if e.path not in leads or e.path == place])
    for entries in tries:
        if tree.digest(_listing(entries, place)) == file.sha256:
            return [], entries
    if nested:
        raise UsageError(
            f"what belongs to {file.dest} cannot be told: other files of the recipe are below it",
            hint="give the directory of the recipe with --source",
        )
    return [_content("workspace", place, tree.digest(_listing(here, place)), file.sha256)], []


def _listing(entries: Sequence[Entry], place: str) -> list[Entry]:
    """The entries as `slipway.inputs.tree.listing` gives them."""
    return [
        Entry(
            entry.path.removeprefix(f"{place}/"),
            entry.kind,
            0o755 if entry.kind == "dir" else entry.mode,
            target=entry.target,
            sha256=entry.sha256,
        )
        for entry in entries
        if entry.path != place
    ]


def _content(where: str, place: str, found: str, promised: str) -> Difference:
    return Difference(where, place, "content", f"sha256 {found}", f"sha256 {promised} by its lock")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _write(store: Store, layer: Descriptor, wanted: Mapping[str, tuple[Path, Entry]]) -> None:
    """Directories and files first, symlinks last, so that nothing is ever written through one."""
    try:
        for target, entry in wanted.values():
            if entry.kind == "dir":
                target.mkdir(parents=True, exist_ok=True)
        for entry, content in read_tar(plain(store, layer), what=f"layer {layer.digest}"):
            if entry.kind == "file" and entry.path in wanted and wanted[entry.path][1].kind == "file":
                target, known = wanted[entry.path]
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    for piece in (content,) if isinstance(content, bytes) else content:
                        file.write(piece)
                target.chmod(_EXECUTABLE if known.mode & 0o100 else _FILE)
        for target, entry in wanted.values():
            if entry.kind == "symlink":
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(entry.target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise InputError(f"layer {layer.digest} holds files below files: {error.filename}") from error
