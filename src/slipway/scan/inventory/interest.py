"""Which files tell of packages, told from their paths alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from slipway.distro.usrmerge import place
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

Format = Literal[
    "",
    "dpkg-status",
    "dpkg-list",
    "dpkg-sums",
    "apk",
    "rpm-sqlite",
    "rpm-wal",
    "rpm-bdb",
    "rpm-ndb",
    "metadata",
    "installer",
    "direct-url",
    "conda",
    "npm",
    "npm-lock",
    "os-release",
]

_RPM: Final[dict[str, Format]] = {
    "rpmdb.sqlite": "rpm-sqlite",
    "rpmdb.sqlite-wal": "rpm-wal",
    "Packages": "rpm-bdb",
    "Packages.db": "rpm-ndb",
}
# RPM's database moved; image-based systems have it below /usr/share
_EXACT: Final[dict[str, Format]] = {
    "var/lib/dpkg/status": "dpkg-status",
    "lib/apk/db/installed": "apk",
    "usr/lib/apk/db/installed": "apk",
    "etc/os-release": "os-release",
    "usr/lib/os-release": "os-release",
    **{
        f"{place}/{name}": kind
        for place in ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
        for name, kind in _RPM.items()
    },
}
_DIST_INFO: Final[dict[str, Format]] = {
    "METADATA": "metadata",
    "INSTALLER": "installer",
    "direct_url.json": "direct-url",
}
_NODE = pattern(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json")
_LOCKS: Final = ("package-lock.json", "npm-shrinkwrap.json")
OF_OTHERS: Final = ("metadata", "npm")  # what packages of a distribution may bring of another packaging


def format_of(path: str) -> Format:
    """The format of the file at a relative, clean path; empty when it is of no interest."""
    if found := _EXACT.get(path):
        return found
    directory, _, name = path.rpartition("/")
    if name in _DIST_INFO and directory.endswith(".dist-info"):
        return _DIST_INFO[name]
    if name == "PKG-INFO":
        inside = directory.endswith(".egg-info") or directory.rpartition("/")[2] == "EGG-INFO"
        return "metadata" if inside else ""
    if name.endswith(".egg-info"):
        return "metadata"
    if name == "package.json":
        return "npm" if _NODE.fullmatch(path) else ""
    if name in _LOCKS:
        return "" if "node_modules" in directory.split("/") else "npm-lock"
    if name.endswith(".json"):
        return "conda" if directory.rpartition("/")[2] == "conda-meta" else ""
    if directory == "var/lib/dpkg/info":
        return "dpkg-list" if name.endswith(".list") else ""
    if directory == "var/lib/dpkg/status.d":
        return "dpkg-sums" if name.endswith(".md5sums") else "dpkg-status"
    if name.startswith("os-release-") and directory == "usr/lib/os.release.d":
        return "os-release"
    return ""


def canonical(path: str) -> str:
    """One spelling for what is reached through the merged /usr, too: packages list `/lib/x`, layers have `usr/lib/x`."""
    return place(path.strip("/"), "file")


def owned(paths: Iterable[str]) -> tuple[str, ...]:
    """Those of a package's files that are also of another packaging, by canonical path, sorted."""
    clean = (path.strip("/") for path in paths)
    return tuple(sorted({canonical(path) for path in clean if format_of(path) in OF_OTHERS}))
