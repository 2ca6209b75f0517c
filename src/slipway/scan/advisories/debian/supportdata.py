"""Bringing what is known of support: two small packages of the release itself."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from slipway.distro.version import key
from slipway.errors import FetchError, VerifyError
from slipway.scan.advisories.debian.package import files_in
from slipway.scan.advisories.debian.support import Unsupported, end_of_release, ended, limited
from slipway.scan.versions import debian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slipway.events import Reporter
    from slipway.scan.advisories.debian.label import Label
    from slipway.scan.advisories.debian.packages import Binary

SECURITY: Final = "debian-security-support"
RELEASES: Final = "distro-info-data"
PACKAGES: Final = (SECURITY, RELEASES)

_LARGEST: Final = 10_000_000  # bytes of a .deb; these have some ten thousand
_NOT_THERE: Final = 404


class Support(NamedTuple):
    """`ends` is a day, or empty when it is not known when the release ends."""

    ends: str
    unsupported: tuple[Unsupported, ...]


def bring(
    label: Label,
    packages: Iterable[tuple[str, Binary]],
    fetch: Callable[[str, int], bytes],
    reporter: Reporter,
) -> Support:
    """From the packages of that name among `packages`, which are (archive's URI, package).

    Not every mirror has all packages that the archive names: then an older one has to do, or it is not known.
    """
    found: dict[str, list[tuple[str, Binary]]] = {name: [] for name in PACKAGES}
    for archive, binary in packages:
        if binary.name in found:
            found[binary.name].append((archive, binary))
    unsupported: tuple[Unsupported, ...] = ()
    if label.is_debian:
        files = _files(found[SECURITY], "usr/share/debian-security-support", fetch, reporter)
        number = debian(label.codename).partition(":")[2]
        few = files.get(f"security-support-limited.deb{number}", files.get("security-support-limited", ""))
        unsupported = (*ended(files.get(f"security-support-ended.deb{number}", "")), *limited(few))
    files = _files(found[RELEASES], "usr/share/distro-info", fetch, reporter)
    table = files.get("debian.csv" if label.is_debian else "ubuntu.csv", "")
    return Support(end_of_release(table, label.codename), unsupported)


def _files(
    places: list[tuple[str, Binary]], folder: str, fetch: Callable[[str, int], bytes], reporter: Reporter
) -> dict[str, str]:
    for archive, binary in sorted(places, key=lambda place: key(place[1].version), reverse=True):
        try:
            data = fetch(f"{archive}/{binary.filename}", _LARGEST)
        except FetchError as error:
            if error.status != _NOT_THERE:
                raise
            reporter.warn(error.brief)
            continue
        if hashlib.sha256(data).hexdigest() != binary.sha256:
            raise VerifyError(f"{binary.filename} is not what the index promises: its hash is wrong")
        return files_in(data, binary.name, folder)
    return {}
