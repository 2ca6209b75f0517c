"""Which changelogs are read, and bringing them: each from the smallest package of its source that has one.

Read are those of sources that are newer than their release: of what came with the release, no image can have an
older version. Large packages are left out, and what is known stays; so an update brings only what is new.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Final

from slipway.distro.version import key
from slipway.errors import FetchError, InputError, VerifyError
from slipway.inputs.crew import run_all
from slipway.patterns import pattern
from slipway.scan.advisories.debian.changelog import Changelog, read
from slipway.scan.advisories.debian.package import Link, changelog_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from slipway.events import Reporter, Step
    from slipway.inputs.crew import Abortable
    from slipway.scan.advisories.debian.packages import Binary

LARGEST: Final = 2_000_000  # bytes of packages for one source: it is enough for nineteen of twenty

_TRIES: Final = 16  # packages of a source; small ones often only refer to another
_MOST_FAILED: Final = 20  # then it is the network; what a mirror does not have may be any number
_NOT_THERE: Final = 404
# A version that was made for a stable release (Debian developer's reference 5.11).
_STABLE_UPDATE = pattern(r"[+~]deb\d+u\d")


class Sources:
    """The newest version of each source, and the packages of that version, as far as its changelog is wanted."""

    def __init__(self) -> None:
        self.newest: dict[str, str] = {}
        self._updated: set[tuple[str, str]] = set()
        self._binaries: dict[tuple[str, str], dict[str, tuple[str, Binary]]] = {}

    def add(self, binaries: Iterable[Binary], archive: str, *, is_update: bool) -> None:
        """The packages of one index of `archive` (a URI)."""
        for binary in binaries:
            name, version = binary.source, binary.source_version
            known = self.newest.get(name)
            if known is None or key(version) > key(known):
                self.newest[name] = version
            if is_update or is_stable_update(version):
                self._updated.add((name, version))
                self._binaries.setdefault((name, version), {})[binary.name] = (archive, binary)

    def wanted(self) -> dict[str, str]:
        """The sources whose changelogs are to be known, with their newest versions."""
        return {name: v for name, v in sorted(self.newest.items()) if (name, v) in self._updated}

    def packages(self, source: str) -> dict[str, tuple[str, Binary]]:
        return self._binaries[source, self.newest[source]]


def is_stable_update(version: str) -> bool:
    return _STABLE_UPDATE.search(version) is not None


def bring(
    sources: Sources,
    known: Mapping[str, Changelog],
    fetch: Callable[[str, int], bytes],
    client: Abortable,
    threads: int,
    reporter: Reporter,
) -> dict[str, Changelog]:
    """The changelogs of all sources that are wanted. Those that could not be fetched are missing; the next time they are tried again.

    `FetchError` when so many fail that it is the network or the mirror.
    """
    wanted = sources.wanted()
    here = {name: known[name] for name, v in wanted.items() if name in known and known[name].version == v}
    missing = [name for name in wanted if name not in here]
    if not missing:
        return here
    with reporter.step("changelogs", f"{len(missing)} sources", total=len(missing)) as step:
        work = _Work(sources, fetch, step)
        found = run_all([lambda name=name: work.one(name) for name in missing], client, threads)  # type: ignore[misc]
        step.detail = (
            f"{sum(bool(c and c.oldest) for c in found)} of {len(missing)}, {work.size / 1e6:.0f} MB"
        )
    if work.failed:
        reporter.warn(f"{len(work.failed)} changelogs could not be fetched: {work.failed[0].brief}")
    brought = {name: c for name, c in zip(missing, found, strict=True) if c is not None}
    return here | brought


class _Work:
    """What the threads share."""

    def __init__(self, sources: Sources, fetch: Callable[[str, int], bytes], step: Step) -> None:
        self._sources = sources
        self._fetch = fetch
        self._step = step
        self._lock = threading.Lock()
        self.failed: list[FetchError] = []
        self.size = 0

    def one(self, source: str) -> Changelog | None:
        """None when it could not be fetched; one that is empty when no package has a changelog that can be read."""
        try:
            return self._find(source)
        except FetchError as error:
            with self._lock:
                self.failed.append(error)
                if (
                    error.status != _NOT_THERE
                    and sum(e.status != _NOT_THERE for e in self.failed) > _MOST_FAILED
                ):
                    raise
            return None
        finally:
            self._step.advance()

    def _find(self, source: str) -> Changelog:
        version = self._sources.newest[source]
        packages = self._sources.packages(source)
        order = sorted(packages, key=lambda name: (packages[name][1].size, name))
        left = LARGEST
        gone: FetchError | None = None
        for _ in range(_TRIES):
            if not order or packages[order[0]][1].size > left:
                break
            name = order.pop(0)
            left -= packages[name][1].size
            try:
                text = changelog_in(self._bring(*packages[name]), name, native="-" not in version)
                if isinstance(text, Link):
                    if text.package in order and packages[text.package][1].size <= left:
                        order.remove(text.package)
                        order.insert(0, text.package)
                elif text is not None and (found := read(text, version)):
                    return found
            except InputError:
                continue  # another package may be better
            except FetchError as error:
                if error.status != _NOT_THERE:
                    raise
                gone = error
        if gone is not None:
            raise gone
        return Changelog(version)

    def _bring(self, archive: str, binary: Binary) -> bytes:
        data = self._fetch(f"{archive}/{binary.filename}", LARGEST)
        if hashlib.sha256(data).hexdigest() != binary.sha256:
            raise VerifyError(f"{binary.filename} is not what the index promises: its hash is wrong")
        with self._lock:
            self.size += len(data)
        return data
