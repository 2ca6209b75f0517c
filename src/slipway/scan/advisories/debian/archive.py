"""Which suites of which archive are read: the release as it was published, its updates, and its security updates.

The archive is the one that builds use, or for Ubuntu the one that APT on this machine reads. Where it is said
otherwise, it may be the address or directory of a mirror, and after a space that of its security archive; without that,
`X-security` is looked for in the same archive, as Ubuntu has it, and then beside it, as mirrors of Debian have it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.distro.aptsources import read_sources
from slipway.distro.keyring import find_keyring
from slipway.distro.mirror import Mirror, SuitePlace, find_mirror
from slipway.distro.resolve import LARGEST
from slipway.distro.suites import SuiteReader, listed_index
from slipway.errors import FetchError, ToolError, UsageError, VerifyError
from slipway.inputs.download import fetch_bytes
from slipway.inputs.fileurl import is_file
from slipway.net import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.distro.release import Listed, Release
    from slipway.events import Reporter
    from slipway.scan.advisories.debian.label import Label
    from slipway.settings import Settings

_UBUNTU_KEYRING: Final = Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg")
_UBUNTU: Final = ("ubuntu", "ubuntu-ports")  # how the paths of its archives end
_OLD: Final = "updates/"  # what Debian's security archive used to write before the names of components
_HINT: Final = "say where they are with --from: the address or directory of a mirror and, after a space, of its security archive"


@dataclass(frozen=True, slots=True)
class Part:
    """One package index of a suite."""

    place: SuitePlace
    release: Release
    component: str
    listed: Listed
    is_security: bool
    is_update: bool


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that can be read: `fetch` brings the bytes of an address, which it knows to be below the archive."""

    mirror: Mirror
    reader: SuiteReader
    client: Client
    fetch: Callable[[str, int], bytes]


@contextmanager
def opened(
    label: Label, source: str, settings: Settings, reporter: Reporter, now: float
) -> Iterator[Archive]:
    """`UsageError` when no archive is known, `ToolError` without its keyring. The mirror is always asked."""
    mirror = _mirror(label, source, settings)
    keyring = _keyring(label, settings)
    with Client(settings) as client:

        def fetch(url: str, most: int) -> bytes:
            return fetch_bytes(mirror.address(url), settings, max_size=most, client=client)

        reader = SuiteReader(lambda url: fetch(url, LARGEST), keyring, settings.cache, 0.0, now, reporter)
        yield Archive(mirror, reader, client, fetch)


def parts(archive: Archive, label: Label) -> list[Part]:
    """All package indexes of the release for the architecture, from Release files that were verified.

    Who has no security suite has no answer: that is an error, as is a Release file that has expired.
    """
    name, base = label.codename, archive.mirror.archive
    read = archive.reader.release
    place = SuitePlace(base, name)
    try:
        release = read(place)
    except FetchError as error:
        error.hint = error.hint or _HINT
        raise
    if release.codename != name:
        raise UsageError(
            f"{name} now is {release.codename}, and scans ask for codenames",
            hint=f"name the feed {label._replace(codename=release.codename).feed}",
        )
    updates = SuitePlace(base, f"{name}-updates")
    further = [(updates, read(updates), False), (*_security(archive, name), True)]
    found = []
    for where, what, is_security in ((place, release, False), *further):
        for component in dict.fromkeys(c.removeprefix(_OLD) for c in what.components):
            listed = listed_index(what, component, label.arch)
            found.append(Part(where, what, component, listed, is_security, where is not place))
    return found


def _security(archive: Archive, name: str) -> tuple[SuitePlace, Release]:
    mirror = archive.mirror
    uris = [mirror.security] if mirror.security else [mirror.archive, f"{mirror.archive}-security"]
    for uri in uris:
        place = SuitePlace(uri, f"{name}-security")
        try:
            return place, archive.reader.release(place)
        except FetchError as error:
            missing = error.status == 404 or is_file(uri)
            if isinstance(error, VerifyError) or not missing:
                raise
    raise FetchError(f"there is no {name}-security in {' or '.join(uris)}", hint=_HINT)


def _mirror(label: Label, source: str, settings: Settings) -> Mirror:
    if source:
        return find_mirror(settings.with_(mirror=source if "://" in source else Path(source).as_uri()))
    if label.is_debian:
        return find_mirror(settings)
    for entry in read_sources():
        if entry.uri.rstrip("/").rpartition("/")[2] in _UBUNTU:
            return find_mirror(settings.with_(mirror=entry.uri))
    raise UsageError(f"no archive is known that has {label.codename}", hint=_HINT)


def _keyring(label: Label, settings: Settings) -> Path:
    if label.is_debian or settings.keyring:
        return find_keyring(settings)
    if _UBUNTU_KEYRING.is_file():
        return _UBUNTU_KEYRING
    raise ToolError(
        "the keyring of Ubuntu's archive is not installed",
        details="It is needed to check that package indexes come from Ubuntu.",
        hint="install ubuntu-keyring, or name a keyring in SLIPWAY_KEYRING",
    )
