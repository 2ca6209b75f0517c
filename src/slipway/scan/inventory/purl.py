"""Package URLs (package-url specification: purl, and its definitions of the types deb, apk, rpm, pypi, conda, npm,
cargo, golang).

They are made by the thousand, so this is our own encoder; tests compare it with the reference implementation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.scan.inventory.model import Package
    from slipway.scan.model import System

_UNKNOWN: Final = "unknown"  # the namespace of a distribution's packages is required
_SYSTEM: Final = ("deb", "apk", "rpm")
_LOWER: Final = ("apk", "npm", "pypi")  # types whose names have no capital letters
_SPACED: Final = ("golang", "npm")  # types whose names begin with a namespace


def purl(package: Package, system: System) -> str:
    """With `arch`, `distro` and, where it differs from the package, `upstream` (`SOURCE@VERSION`) for packages of a system."""
    qualifiers = dict(package.qualifiers)
    version = package.version
    if package.kind in _SYSTEM:
        namespace = system.id or _UNKNOWN
        if package.kind == "rpm" and ":" in version:
            qualifiers["epoch"], _, version = version.partition(":")
        qualifiers |= {"arch": package.arch, "distro": system.distro, "upstream": _upstream(package, version)}
        return encode(package.kind, namespace, package.name, version, qualifiers)
    namespace, slash, name = package.name.rpartition("/")
    if package.kind not in _SPACED or not slash:
        namespace, name = "", package.name
    if package.direct_url.startswith(("git+", "hg+", "svn+", "bzr+")):
        qualifiers["vcs_url"] = package.direct_url
    elif package.direct_url.startswith(("http://", "https://")):
        qualifiers["download_url"] = package.direct_url
    return encode(package.kind, namespace, name, version, qualifiers)


def _upstream(package: Package, version: str) -> str:
    if not package.source_name or (package.source_name, package.source_version) == (package.name, version):
        return ""
    return f"{package.source_name}@{package.source_version}"


def encode(kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str]) -> str:
    """The canonical form; empty qualifiers are left out."""
    place = f"{quote(namespace, safe=':/')}/" if namespace else ""
    title = quote(name.lower() if kind in _LOWER else name, safe=":")
    release = f"@{quote(version, safe=':/')}" if version else ""
    rows = (f"{key}={quote(value, safe=':/')}" for key, value in sorted(qualifiers.items()) if value)
    tail = "&".join(rows)
    return f"pkg:{kind}/{place}{title}{release}{'?' if tail else ''}{tail}"
