"""The name under which a finding is known from one scan to the next."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from slipway.scan.model import Component, Finding

# What stands before the colon of a place on this machine (`inventory.take`).
ON_DISK: Final = ("dir", "docker-archive", "oci", "sbom", "squashfs")


def fingerprint(image: str, finding: Finding) -> str:
    """Hexadecimal SHA-256 of the image's name without tag and digest, the package without its version, and the id.

    So it stays when a tag moves and when a package gets newer without being mended.
    """
    parts = (repository(image), package(finding.component), finding.id)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def package(component: Component) -> str:
    """The purl without version and qualifiers."""
    return component.purl.partition("#")[0].partition("?")[0].rpartition("@")[0] or component.purl


def repository(image: str) -> str:
    """The name of an image without tag and digest: `registry:5000/team/hello:1@sha256:…` gives `registry:5000/team/hello`.

    Places on this machine (`dir:root`, `docker-archive:x.tar`) and digests have no tag: they stay as they are.
    """
    kind = image.partition(":")[0]
    if kind in ON_DISK or kind == "sha256":
        return image
    name = image.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name
