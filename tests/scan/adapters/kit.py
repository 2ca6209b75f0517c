"""Reports of other scanners for tests: their fields, our own words, on packages of Debian 12 and of PyPI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway.scan.adapters import findings
from slipway.scan.model import Component, Finding, Inventory, Scan, System

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.scan.adapters import Imported

BOOKWORM = System("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
MANIFEST = "sha256:" + "1" * 64
CONFIG = "sha256:" + "c" * 64
BASE, APP = "sha256:" + "a" * 64, "sha256:" + "b" * 64
DIFF_BASE, DIFF_APP = "sha256:" + "d" * 64, "sha256:" + "e" * 64
SSL = Component(
    "deb",
    "libssl3",
    "3.0.8-1",
    "pkg:deb/debian/libssl3@3.0.8-1?arch=amd64&distro=debian-12&upstream=openssl@3.0.8-1",
    "openssl",
    "3.0.8-1",
    "amd64",
    "var/lib/dpkg/status",
    BASE,
)
OPENSSL = Component(
    "deb",
    "openssl",
    "3.0.8-1",
    "pkg:deb/debian/openssl@3.0.8-1?arch=amd64&distro=debian-12",
    "openssl",
    "3.0.8-1",
    "amd64",
    "var/lib/dpkg/status",
    BASE,
)
HEADERS = Component(
    "deb",
    "linux-libc-dev",
    "6.1.52-1",
    "pkg:deb/debian/linux-libc-dev@6.1.52-1?arch=amd64&distro=debian-12&upstream=linux@6.1.52-1",
    "linux",
    "6.1.52-1",
    "amd64",
    "var/lib/dpkg/status",
    BASE,
)
JINJA = Component(
    "pypi",
    "jinja2",
    "3.1.3",
    "pkg:pypi/jinja2@3.1.3",
    path="opt/venv/lib/python3.12/site-packages/Jinja2-3.1.3.dist-info/METADATA",
    layer=APP,
)
INVENTORY = Inventory(
    "registry.example.org/team/hello:1", MANIFEST, "linux/amd64", BOOKWORM, (HEADERS, SSL, OPENSSL, JINJA)
)
OWN = Finding(
    "CVE-2023-0464",
    SSL,
    aliases=("DEBIAN-CVE-2023-0464",),
    fixed=("3.0.9-1",),
    provenance=("osv:Debian 2026-11-20",),
)
CVSS = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"

Row = dict[str, Any]


def scan(*found: Finding, inventory: Inventory = INVENTORY) -> Scan:
    return Scan(inventory, found, time="2026-11-21T08:00:00Z")


def write(path: Path, value: Any) -> Path:
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def read(tmp_path: Path, value: Any) -> Imported:
    return findings(write(tmp_path / "report.json", value))


# -- Trivy ---------------------------------------------------------------------------------------------------------


def trivy_row(name: str = "CVE-2023-0464", **more: Any) -> Row:
    return {
        "VulnerabilityID": name,
        "VendorIDs": ["DSA-5417-1"],
        "PkgID": "libssl3@3.0.8-1",
        "PkgName": "libssl3",
        "PkgIdentifier": {"PURL": "pkg:deb/debian/libssl3@3.0.8-1?arch=amd64&distro=debian-12.4", "UID": "1"},
        "InstalledVersion": "3.0.8-1",
        "FixedVersion": "3.0.9-1",
        "Status": "fixed",
        "Layer": {"Digest": BASE, "DiffID": DIFF_BASE},
        "SeveritySource": "nvd",
        "PrimaryURL": "https://example.org/cve-2023-0464",
        "Title": "openssl: policy checks cost too much",
        "Description": "Checking of policies\ncosts more than it should.",
        "Severity": "HIGH",
        "CweIDs": ["CWE-295"],
        "VendorSeverity": {"nvd": 3, "redhat": 1},
        "CVSS": {
            "nvd": {"V3Vector": CVSS, "V3Score": 7.5},
            "redhat": {"V3Vector": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", "V3Score": 5.9},
        },
        "References": ["https://example.org/one", "not an address", 5],
        "PublishedDate": "2023-03-22T17:15:13.13Z",
        **more,
    }


def python_row(**more: Any) -> Row:
    return {
        "VulnerabilityID": "CVE-2024-34064",
        "VendorIDs": ["GHSA-h75v-3vvj-5mfj"],
        "PkgName": "Jinja2",
        "PkgPath": JINJA.path,
        "PkgIdentifier": {"PURL": "pkg:pypi/jinja2@3.1.3"},
        "InstalledVersion": "3.1.3",
        "FixedVersion": "3.1.4, 4.0",
        "Status": "fixed",
        "SeveritySource": "ghsa",
        "Severity": "MEDIUM",
        **more,
    }


def os_packages(*rows: Row, **more: Any) -> Row:
    return {
        "Target": "hello (debian 12.4)",
        "Class": "os-pkgs",
        "Type": "debian",
        "Vulnerabilities": list(rows),
        **more,
    }


def python_packages(*rows: Row, **more: Any) -> Row:
    return {
        "Target": "Python",
        "Class": "lang-pkgs",
        "Type": "python-pkg",
        "Vulnerabilities": list(rows),
        **more,
    }


def trivy(*results: Row, metadata: Row | None = None, **more: Any) -> Row:
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.70.0"},
        "CreatedAt": "2026-11-20T10:00:00.123456789Z",
        "ArtifactName": "registry.example.org/team/hello:1",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12.4"},
            "ImageID": CONFIG,
            "DiffIDs": [DIFF_BASE, DIFF_APP],
            "RepoTags": ["registry.example.org/team/hello:1"],
            "RepoDigests": [f"registry.example.org/team/hello@{MANIFEST}"],
            **(metadata or {}),
        },
        "Results": list(results),
        **more,
    }


# -- Grype ---------------------------------------------------------------------------------------------------------


def grype_match(name: str = "CVE-2023-0464", **more: Any) -> Row:
    return {
        "vulnerability": {
            "id": name,
            "dataSource": "https://example.org/debian/CVE-2023-0464",
            "namespace": "debian:distro:debian:12",
            "severity": "Low",
            "urls": [],
            "cvss": [],
            "fix": {"versions": ["3.0.9-1"], "state": "fixed"},
            "advisories": [{"id": "DSA-5417-1", "link": "https://example.org/dsa-5417"}],
            "epss": [{"cve": name, "epss": 0.01, "percentile": 0.5, "date": "2026-11-19"}],
            "risk": 0.4,
            **more,
        },
        "relatedVulnerabilities": [
            {
                "id": name,
                "namespace": "nvd:cpe",
                "severity": "High",
                "description": "Policies cost too much.",
                "cvss": [{"version": "3.1", "vector": CVSS, "metrics": {"baseScore": 7.5}}],
            }
        ],
        "matchDetails": [{"type": "exact-indirect-match", "matcher": "dpkg-matcher"}],
        "artifact": {
            "name": "libssl3",
            "version": "3.0.8-1",
            "type": "deb",
            "locations": [{"path": "/usr/share/doc/libssl3/copyright", "layerID": DIFF_BASE}],
            "purl": "pkg:deb/debian/libssl3@3.0.8-1?arch=amd64&distro=debian-12&upstream=openssl",
            "upstreams": [{"name": "openssl"}],
        },
    }


def grype_python() -> Row:
    return {
        "vulnerability": {
            "id": "GHSA-h75v-3vvj-5mfj",
            "dataSource": "https://example.org/GHSA-h75v-3vvj-5mfj",
            "namespace": "github:language:python",
            "severity": "Medium",
            "cvss": [
                {"version": "2.0", "type": "Primary", "vector": "AV:N", "metrics": {"baseScore": 9.0}},
                {"version": "3.1", "type": "Secondary", "vector": CVSS, "metrics": {"baseScore": 5.4}},
            ],
            "fix": {"versions": ["3.1.4"], "state": "fixed"},
        },
        "relatedVulnerabilities": [{"id": "CVE-2024-34064", "namespace": "nvd:cpe"}],
        "artifact": {
            "name": "Jinja2",
            "version": "3.1.3",
            "type": "python",
            "locations": [{"path": f"/{JINJA.path}", "layerID": DIFF_APP}],
            "purl": "pkg:pypi/Jinja2@3.1.3",
            "upstreams": [],
        },
    }


def grype(*matches: Row, target: Row | None = None, **more: Any) -> Row:
    return {
        "matches": list(matches),
        "source": {
            "type": "image",
            "target": {
                "userInput": "registry.example.org/team/hello:1",
                "imageID": CONFIG,
                "manifestDigest": MANIFEST,
                "tags": [],
                "layers": [{"digest": DIFF_BASE, "size": 1}, {"digest": DIFF_APP, "size": 1}],
                "repoDigests": [f"registry.example.org/team/hello@{MANIFEST}"],
                **(target or {}),
            },
        },
        "distro": {"name": "debian", "version": "12"},
        "descriptor": {
            "name": "grype",
            "version": "0.104.1",
            "timestamp": "2026-11-20T12:00:00+01:00",
            "db": {"status": {"built": "2026-11-19T06:00:00Z", "schemaVersion": "v6.1.0"}},
        },
        **more,
    }
