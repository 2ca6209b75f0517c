"""Archives as trees: tar, plain or packed by gzip, xz, bzip2 or zstd, and zip; told apart by their first bytes.

cache/extracted/*.json     for each archive, by its hash: the tree that it holds

What is in an archive is written under the names of its hashes, never under its own; nothing of it is kept before all of
it was read and found in order. Modes become 0755 and 0644, owners and times are dropped, as for directories of this machine.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import InputError
from slipway.files import disk, read_json, write_json
from slipway.inputs import pool, tree
from slipway.inputs.archives import members
from slipway.inputs.kept import is_present, path_of
from slipway.inputs.memory import Brought
from slipway.inputs.part import hold
from slipway.inputs.statcache import changed, hash_file
from slipway.inputs.treecheck import check_tree
from slipway.oci.digest import key_of
from slipway.oci.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from slipway.events import Reporter
    from slipway.settings import Settings

_VERSION = 1


def extract(
    path: Path,
    sha256: str,
    settings: Settings,
    reporter: Reporter,
    *,
    name: str,
    pause: Callable[[float], object],
) -> Brought:
    """The content of the archive at `path`, which has this hash; unpacked once, then taken from the cache.

    `name` is what errors call it; `pause` waits seconds. `InputError` when it is none, is damaged or hostile, or holds
    what no tree may: devices, paths and links that leave it.
    """
    if known := unpacked(sha256, settings):
        return known
    lock = settings.cache / "downloads" / "parts" / f"{key_of('extract', sha256)}.part"
    with hold(lock, pause):
        if known := unpacked(sha256, settings):  # another process was faster
            return known
        status = path.stat()
        with reporter.step("unpack", name, total=status.st_size, unit="bytes") as step:
            with _staged(settings) as staging:
                entries = _read(path, name, staging)
                if hash_file(path, status) != sha256:
                    raise changed(path)
                staging.keep(settings)
            step.advance(status.st_size)
        digest = pool.keep(entries, settings)
        size = sum(entry.size for entry in entries)
        write_json(_record(sha256, settings), {"version": _VERSION, "sha256": digest})
        return Brought("tree", digest, size, 0o755, entries)


def unpacked(sha256: str, settings: Settings) -> Brought | None:
    """The tree of the archive with this hash, if it was unpacked before and is still here."""
    record = read_json(_record(sha256, settings))
    if not isinstance(record, dict) or record.get("version") != _VERSION:
        return None
    digest = str(record["sha256"])
    entries = pool.known(digest, settings)
    if entries is None:
        return None
    return Brought("tree", digest, sum(entry.size for entry in entries), 0o755, entries)


def _record(sha256: str, settings: Settings) -> Path:
    return settings.cache / "extracted" / f"{sha256}.json"


def _read(path: Path, name: str, staging: _Staging) -> tuple[Entry, ...]:
    """The sorted listing of an archive, its files in `staging`; later members take the place of earlier ones."""
    found: dict[str, Entry] = {}
    for entry, content in members(path, name):
        if entry.kind == "link":
            first = found.get(entry.target)
            if first is None or first.kind != "file":
                raise InputError(
                    f"{name}: {entry.path} is a hard link to {entry.target}, which is not before it"
                )
            found[entry.path] = Entry(entry.path, "file", first.mode, size=first.size, sha256=first.sha256)
        elif entry.kind == "file":
            sha256, size = staging.add([content] if isinstance(content, bytes) else content)
            mode = tree.file_mode(entry.mode)
            found[entry.path] = Entry(entry.path, "file", mode, size=size, sha256=sha256)
        elif entry.kind == "symlink":
            found[entry.path] = Entry(entry.path, "symlink", 0o777, target=entry.target)
        elif entry.kind != "dir":
            raise InputError(f"{name}: {entry.path} is a device or a pipe, which no image can hold as a file")
        elif entry.path and found.setdefault(entry.path, Entry(entry.path, "dir", 0o755)).kind != "dir":
            raise InputError(f"{name}: {entry.path} is a directory and something else, too")
    return check_tree(found, name)


class _Staging:
    """Files under the names of their hashes, which are not in the cache yet."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[str, int] = {}

    def add(self, pieces: Iterable[bytes]) -> tuple[str, int]:
        digest = hashlib.sha256()
        size = 0
        temporary = self._directory / ".tmp-new"
        with temporary.open("wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
                size += len(piece)
        sha256 = digest.hexdigest()
        temporary.rename(self._place(sha256))
        self._files[sha256] = size
        return sha256, size

    def keep(self, settings: Settings) -> None:
        for sha256, size in self._files.items():
            target = path_of(sha256, settings)
            if not is_present(target, size):
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(self._place(sha256), target)

    def _place(self, sha256: str) -> Path:
        return (
            self._directory / f".tmp-{sha256}"
        )  # so that `store gc` knows what it is, should it stay behind


@contextmanager
def _staged(settings: Settings) -> Iterator[_Staging]:
    parts = settings.cache / "downloads" / "parts"
    with disk(parts), tempfile.TemporaryDirectory(dir=parts, prefix=".tmp-") as directory:
        yield _Staging(Path(directory))
