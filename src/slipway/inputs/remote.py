"""Sources of every scheme but http(s): looked at, and transferred as far as they changed; resumed where that stopped."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from slipway.errors import InputError, UsageError, VerifyError
from slipway.files import read_json, write_json
from slipway.inputs import pool
from slipway.inputs.address import REMOTE, identity, parse
from slipway.inputs.crew import run_all
from slipway.inputs.kept import part_of, path_of
from slipway.inputs.memory import Brought
from slipway.inputs.part import hold
from slipway.inputs.place import RangeRefusedError
from slipway.inputs.transfer import MAX_SIZE, Progress
from slipway.net_errors import TransientError
from slipway.oci.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from slipway.events import Reporter
    from slipway.inputs.address import Address
    from slipway.inputs.memory import Memories
    from slipway.inputs.network import Network
    from slipway.inputs.part import Part
    from slipway.inputs.place import Place, Seen

    Connect = Callable[[Address, Network], AbstractContextManager[Place]]

_YOUNG = 2  # seconds in which a file may change again and keep its time


def fetch_remote(
    source: str, network: Network, reporter: Reporter, memories: Memories, *, sha256: str = ""
) -> Brought:
    """What is at `source`, in the cache; with `sha256`, `VerifyError` when a file is something else (nothing is kept then)."""
    address = parse(source)
    connect = _connector(address)
    network.check(address)
    with reporter.step("fetch", address.shown, unit="bytes") as step:
        fetching = _Fetching(address, network, memories, Progress(step), sha256)
        brought = network.retry(lambda: fetching.attempt(connect))
        if not fetching.grown:
            step.detail = "unchanged"
        return brought


def _connector(address: Address) -> Connect:
    """What opens an address: the table of schemes. Modules are imported when they are needed."""
    if address.scheme in ("ftp", "ftps"):
        from slipway.inputs.ftp import connect
    elif address.scheme in ("scp", "sftp"):
        from slipway.inputs.sftp import connect
    elif address.scheme == "s3":
        from slipway.inputs.s3 import connect
    else:
        raise UsageError(
            f"cannot bring in {address.shown}: unknown scheme {address.scheme}",
            hint=f"known are paths, file, {', '.join(REMOTE)}",
        )
    return connect


class _Fetching:
    """One source; attempts go on where the one before stopped."""

    def __init__(
        self, address: Address, network: Network, memories: Memories, progress: Progress, sha256: str
    ) -> None:
        self._address = address
        self._network = network
        self._memories = memories
        self._settings = memories.settings
        self._progress = progress
        self._sha256 = sha256
        self._lock = threading.Lock()
        self._done: dict[tuple[str, str], tuple[str, int]] = {}  # (path, mark) -> hash, size
        self._announced: set[str] = set()
        self.grown = 0  # bytes that came

    def attempt(self, connect: Connect) -> Brought:
        before = self.grown
        try:
            with connect(self._address, self._network) as place:
                return self._bring(place)
        except TransientError as error:
            error.progress = self.grown > before
            raise

    def _bring(self, place: Place) -> Brought:
        seen = [self._settled(one) for one in place.look()]
        single = len(seen) == 1 and not seen[0].path
        if self._sha256 and not single:
            raise VerifyError(f"{self._address.shown} is a directory, for which there is no sha256")
        self._recall(place)
        files = [one for one in seen if one.kind == "file"]
        tasks = [partial(self._file, place, one) for one in files]
        found = [task() for task in tasks] if place.width == 1 else run_all(tasks, None, place.width)
        if single:
            brought = Brought("file", *found[0], seen[0].mode)
        else:
            brought = self._tree(seen, dict(zip((one.path for one in files), found, strict=True)))
        self._memories.keep(self._address.text, brought, {one.path: one.mark for one in files if one.mark})
        return brought

    def _settled(self, seen: Seen) -> Seen:
        """Without its mark where the file may yet become another one with the same mark."""
        return replace(seen, mark="") if seen.mtime > self._memories.now - _YOUNG else seen

    def _recall(self, place: Place) -> None:
        """Files that need not come because they are as they were the last time."""
        if self._memories.refresh and not place.certain:
            return
        if (known := self._memories.recall(self._address.text)) is None:
            return
        memory, brought = known
        if brought.kind == "file":
            hashes = {"": (brought.sha256, brought.size)}
        else:
            hashes = {e.path: (e.sha256, e.size) for e in brought.listing if e.kind == "file"}
        for path, mark in memory.marks.items():
            if path in hashes:
                self._done.setdefault((path, mark), hashes[path])

    def _tree(self, seen: Sequence[Seen], found: dict[str, tuple[str, int]]) -> Brought:
        leaves = {one.path for one in seen if one.kind != "dir"}
        entries = []
        for one in seen:
            parents = one.path.split("/")[:-1]
            if any("/".join(parents[: n + 1]) in leaves for n in range(len(parents))):
                raise InputError(f"{self._address.shown}: {one.path} is below something that is no directory")
            sha256, size = found.get(one.path, ("", 0))
            entries.append(Entry(one.path, one.kind, one.mode, size=size, target=one.target, sha256=sha256))
        listing = tuple(entries)
        return Brought(
            "tree", pool.keep(listing, self._settings), sum(e.size for e in listing), 0o755, listing
        )

    def _file(self, place: Place, seen: Seen) -> tuple[str, int]:
        known = self._done.get((seen.path, seen.mark)) if seen.mark else None
        if known and self._sha256 in ("", known[0]):
            return known
        key = hashlib.sha256(f"{identity(self._address.text)}/{seen.path}".encode()).hexdigest()
        with hold(part_of(key, self._settings), self._network.pause) as part:
            resumed = self._resume(part, seen)
            self._fill(part, place, seen)
            if self._sha256 and part.sha256 != self._sha256 and resumed:
                self._restart(part)
                self._fill(part, place, seen)
            memory = part.path.with_suffix(".json")
            if self._sha256 and part.sha256 != self._sha256:
                size, sha256 = part.size, part.sha256
                self._restart(part)
                memory.unlink(missing_ok=True)
                raise VerifyError(
                    f"{self._address.shown} is not what was promised: its hash is wrong",
                    details=f"expected sha256 {self._sha256}\ngot {size} bytes, sha256 {sha256}",
                )
            result = part.sha256, part.size
            part.finish(path_of(part.sha256, self._settings))
            memory.unlink(missing_ok=True)
        with self._lock:
            self._done[seen.path, seen.mark] = result
        return result

    def _resume(self, part: Part, seen: Seen) -> bool:
        """Keep what is in the part if it is a beginning of what is there now."""
        memory = part.path.with_suffix(".json")
        whole = MAX_SIZE if seen.size < 0 else seen.size
        fits = bool(seen.mark) and read_json(memory) == {"mark": seen.mark} and part.size <= whole
        if fits and part.size:
            self._progress.moved(part.size)
        else:
            part.restart()
            memory.unlink(missing_ok=True)
            if seen.mark:
                # before the content: a killed process writes nothing more
                write_json(memory, {"mark": seen.mark})
        with self._lock:
            if seen.path not in self._announced and seen.size > 0:
                self._announced.add(seen.path)
                self._progress.announced(seen.size)
        return part.size > 0

    def _fill(self, part: Part, place: Place, seen: Seen) -> None:
        if seen.size > MAX_SIZE:
            raise VerifyError(f"{self._address.shown} has more than the {MAX_SIZE} bytes allowed")
        if part.size != seen.size:
            try:
                self._receive(part, place, seen)
            except RangeRefusedError:
                self._restart(part)
                self._receive(part, place, seen)
        if seen.size >= 0 and part.size != seen.size:
            raise TransientError(
                f"{self._address.shown} ended after {part.size} bytes where {seen.size} were promised"
            )

    def _receive(self, part: Part, place: Place, seen: Seen) -> None:
        most = MAX_SIZE if seen.size < 0 else seen.size
        for chunk in place.read(seen, part.size):
            if part.size + len(chunk) > most:
                self._restart(part)
                raise VerifyError(f"{self._address.shown} has more than the {most} bytes allowed")
            part.append(chunk)
            self._progress.moved(len(chunk))
            with self._lock:
                self.grown += len(chunk)

    def _restart(self, part: Part) -> None:
        self._progress.moved(-part.size)
        part.restart()
