"""An inventory with all that documents have to carry."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.scan.model import Component, Inventory, System

if TYPE_CHECKING:
    from pathlib import Path

DEB = Component(
    *("deb", "libssl3", "3.0.15-1", "pkg:deb/debian/libssl3@3.0.15-1?arch=amd64&distro=debian-12"),
    *("openssl", "3.0.15-1", "amd64", "var/lib/dpkg/status", "sha256:" + "a" * 64),
)
WHEEL = Component(
    *("pypi", "requests", "2.32.3", "pkg:pypi/requests@2.32.3", "", "", "", "usr/lib/python3/METADATA", ""),
    DEB.purl,
    ("Apache-2.0",),
    "https://example.org/requests.whl",
)
IMAGE = Inventory(
    "hello:1",
    "sha256:" + "b" * 64,
    "linux/amd64",
    System("debian", "12", "bookworm", "Debian GNU/Linux 12"),
    (DEB, replace(WHEEL, path="other/METADATA"), WHEEL),
    created="2026-05-01T12:00:00Z",
)


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path
