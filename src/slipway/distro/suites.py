"""Read the suites of a mirror: the signed Release file of each, and its package index as a local database.

Below `{cache}/debian`: Release files as they came, whose file time says when; databases by the hash of the index.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import sqlite3
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, cast

from isal import igzip, isal_zlib

from slipway.distro.candidate import read_candidate
from slipway.distro.index import FORMAT, Index, all_stanzas, build_index, drop_others, stanzas_of
from slipway.distro.keyring import signed_text
from slipway.distro.mirror import COMPONENTS
from slipway.distro.release import check_release, read_release
from slipway.errors import InputError, ResolveError, VerifyError
from slipway.files import atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.distro.candidate import Candidate
    from slipway.distro.mirror import SuitePlace
    from slipway.distro.release import Listed, Release
    from slipway.events import Reporter

# Of an index. A third more to fetch takes less time than it takes to unpack xz, which is ten times as long.
_FORMS = (".gz", ".xz", "")
_DAMAGE = (
    EOFError,
    lzma.LZMAError,
    gzip.BadGzipFile,
    cast("type[Exception]", isal_zlib.error),  # the stub calls it an instance
    InputError,
)


@dataclass(frozen=True, slots=True)
class SuiteReader:
    """How to read suites. `max_age` in seconds: for so long a Release file is used without asking the mirror."""

    fetch: Callable[[str], bytes]
    keyring: Path
    cache: Path
    max_age: float
    now: float
    reporter: Reporter

    def release(self, place: SuitePlace) -> Release:
        """The suite's Release file, verified; `VerifyError` when it cannot be trusted, `FetchError` without one."""
        address = f"{place.archive}/dists/{place.name}/InRelease"
        kept = self._folder / f"{_short(place.archive)}-{place.name}-InRelease"
        if (message := self._young(kept)) is not None:
            try:
                return self._checked(message, place, address)
            except VerifyError as error:
                self.reporter.log(f"asking again: {error.brief}")
        message = self.fetch(address)
        release = self._checked(message, place, address)
        with atomic(kept) as file:
            file.write(message)
        os.utime(kept, (self.now, self.now))
        return release

    def index(self, place: SuitePlace, release: Release, component: str, arch: str) -> Index:
        """The packages of one component; read once for each state of the suite."""
        listed, form = _listed(release, component, arch)
        path = self._database(place, release, component, arch, listed)
        try:
            return Index(path, place.archive)
        except sqlite3.Error:
            with _plain(self._download(place, release, listed), form) as text:
                try:
                    build_index(text, path)
                except _DAMAGE as error:
                    raise _damaged(place, listed) from error
        drop_others(path, path.name.replace(listed.sha256, "*"))
        return Index(path, place.archive)

    def look_up(
        self, place: SuitePlace, release: Release, component: str, arch: str, name: str
    ) -> list[Candidate]:
        """Every version of one package there; the text is only passed over where there is no database of it yet."""
        listed, form = _listed(release, component, arch)
        if self._database(place, release, component, arch, listed).exists():
            index = self.index(place, release, component, arch)
            try:
                return index.find(name)
            finally:
                index.close()
        with _plain(self._download(place, release, listed), form) as text:
            try:
                return [
                    read_candidate(s.decode(errors="replace"), place.archive) for s in stanzas_of(text, name)
                ]
            except _DAMAGE as error:
                raise _damaged(place, listed) from error

    def stanzas(self, place: SuitePlace, release: Release, component: str, arch: str) -> Iterator[bytes]:
        """Every entry of an index, whose text is only passed over: no database is made of it."""
        listed, form = _listed(release, component, arch)
        with _plain(self._download(place, release, listed), form) as text:
            try:
                yield from all_stanzas(text)
            except _DAMAGE as error:
                raise _damaged(place, listed) from error

    def _database(
        self, place: SuitePlace, release: Release, component: str, arch: str, listed: Listed
    ) -> Path:
        group = f"{_short(place.archive)}-{release.codename.replace('/', '-')}-{component}-{arch}"
        return self._folder / f"{group}-{listed.sha256}-{FORMAT}.sqlite"

    @property
    def _folder(self) -> Path:
        return self.cache / "debian"

    def _young(self, path: Path) -> bytes | None:
        try:
            age = self.now - path.stat().st_mtime
            return path.read_bytes() if 0 <= age < self.max_age else None
        except FileNotFoundError:
            return None

    def _checked(self, message: bytes, place: SuitePlace, address: str) -> Release:
        text = signed_text(message, self.keyring, address)
        release = read_release(text.decode(errors="replace"), address)
        check_release(release, place.name, self.now, self.reporter, address)
        return release

    def _download(self, place: SuitePlace, release: Release, listed: Listed) -> bytes:
        path = listed.path
        if release.by_hash:
            path = f"{path.rpartition('/')[0]}/by-hash/SHA256/{listed.sha256}"
        url = f"{place.archive}/dists/{place.name}/{path}"
        data = self.fetch(url)
        if len(data) != listed.size or hashlib.sha256(data).hexdigest() != listed.sha256:
            raise VerifyError(
                f"{url} is not what the Release file promises",
                details=f"{len(data)} of {listed.size} bytes"
                if len(data) != listed.size
                else "wrong SHA-256",
                hint="the mirror may be in the middle of an update: try again in some minutes",
            )
        return data


def open_suites(reader: SuiteReader, places: list[tuple[SuitePlace, Release]], arch: str) -> list[Index]:
    """The indexes of all components of all suites, in order."""
    return [reader.index(place, release, c, arch) for place, release in places for c in COMPONENTS]


def listed_index(release: Release, component: str, arch: str) -> Listed:
    """The package index of a component, as it would be fetched; `ResolveError` when the suite has none for `arch`."""
    return _listed(release, component, arch)[0]


def _listed(release: Release, component: str, arch: str) -> tuple[Listed, str]:
    if release.architectures and arch not in release.architectures:
        raise ResolveError(
            f"{release.codename} has no packages for {arch}",
            hint=f"it has {', '.join(a for a in release.architectures if a != 'all')}",
        )
    return _quickest(release, f"{component}/binary-{arch}/Packages")


def _damaged(place: SuitePlace, listed: Listed) -> VerifyError:
    return VerifyError(f"{place.archive}: {listed.path} of {place.name} is damaged")


def _quickest(release: Release, base: str) -> tuple[Listed, str]:
    for form in _FORMS:
        if (listed := release.files.get(base + form)) is not None:
            return listed, form
    raise VerifyError(f"the Release file of {release.codename} lists no {base}")


def _plain(data: bytes, form: str) -> IO[bytes]:
    """The text inside; damage shows as one of `_DAMAGE` while it is read."""
    raw = BytesIO(data)
    if form == ".xz":
        return cast("IO[bytes]", lzma.open(raw))
    if form == ".gz":
        return cast("IO[bytes]", cast("Any", igzip).open(raw))
    return raw


def _short(uri: str) -> str:
    return hashlib.sha256(uri.encode()).hexdigest()[:12]
