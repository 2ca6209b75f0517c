"""Versions as the tools that install packages order them, and whether an advisory means one.

order.py       one entrance to all schemes: dpkg, rpm, apk, pep440, semver
rpm.py apk.py semver.py pep440.py    (dpkg: slipway.distro.version)
ranges.py      whether a version is among those that an advisory names
vers.py        or within a range of a VEX document
ecosystems.py  by which names advisories know a component
"""

from __future__ import annotations

from slipway.scan.versions.ecosystems import (
    Lookup,
    codename,
    debian,
    ecosystems,
    lookups,
    scheme_of,
    ubuntu,
)
from slipway.scan.versions.order import IncomparableError, compare
from slipway.scan.versions.ranges import affected, fixes

__all__ = [
    "IncomparableError",
    "Lookup",
    "affected",
    "codename",
    "compare",
    "debian",
    "ecosystems",
    "fixes",
    "lookups",
    "scheme_of",
    "ubuntu",
]
