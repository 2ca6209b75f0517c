"""The name under which a finding is known from one scan to the next."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from slipway.scan.imagename import repository

if TYPE_CHECKING:
    from slipway.scan.model import Component, Finding


def fingerprint(image: str, finding: Finding) -> str:
    """Hexadecimal SHA-256 of the image's name without tag and digest, the package without its version, and the id.

    So it stays when a tag moves, when a package gets newer without being mended, and however the image's name is written.
    """
    return fingerprint_in(repository(image), finding)


def fingerprint_in(repository: str, finding: Finding) -> str:
    """`fingerprint` with the name of the repository just as it is."""
    parts = (repository, package(finding.component), finding.id)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def package(component: Component) -> str:
    """The purl without version and qualifiers."""
    return component.purl.partition("#")[0].partition("?")[0].rpartition("@")[0] or component.purl
