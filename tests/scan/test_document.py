"""Scans as JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slipway.errors import InputError
from slipway.scan.document import read, written
from slipway.scan.fingerprint import fingerprint
from slipway.scan.imagename import repository
from slipway.scan.model import (
    Component,
    Feed,
    Finding,
    Inventory,
    Level,
    Outdated,
    Scan,
    Severity,
    System,
    Uncovered,
)

ZLIB = Component("deb", "zlib1g", "1:1.2", "pkg:deb/debian/zlib1g@1%3A1.2?arch=amd64", source_name="zlib")
FLASK = Component("pypi", "flask", "2.0", "pkg:pypi/flask@2.0", path="usr/lib/x/METADATA", licenses=("BSD",))
ELSEWHERE = Component("npm", "left-pad", "1.0", "pkg:npm/left-pad@1.0")
SCAN = Scan(
    Inventory(
        "hello:1",
        "sha256:" + "0" * 64,
        "linux/amd64",
        System("debian", "12", "bookworm", "Debian 12"),
        (ZLIB, FLASK),
        ("var/lib/rpm: damaged",),
        (("a", "b"),),
    ),
    (
        Finding(
            "CVE-2026-1",
            ZLIB,
            aliases=("DSA-1",),
            fixed=("1:1.3",),
            fix_state="fixed",
            severity=Severity(Level.HIGH, 7.5, "CVSS:3.1/AV:N", "nvd", "HIGH"),
            provenance=("suites:bookworm 2026-11-20",),
            waiver="known, me, 2027-01-01",
        ),
        Finding("CVE-2026-2", ELSEWHERE, raw={"x": 1}),
    ),
    (Outdated(ZLIB, "1:1.3", "bookworm-security", security=True, ids=("CVE-2026-1",)),),
    (Uncovered(FLASK, "no advisories"),),
    (Feed("suites:bookworm", "1", "2026-11-20T00:00:00Z"),),
    ("no advisories for PyPI",),
    "2026-11-21T00:00:00Z",
)


def changed(**change: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(written(SCAN))), **change}


def test_there_and_back() -> None:
    again = read(changed())
    assert again == SCAN
    assert not again.complete
    assert again.findings[0].severity.level is Level.HIGH
    assert not again.findings[0].open
    assert again.findings[1].open


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        changed(format=2),
        changed(components=[{"kind": []}]),
        changed(findings=[{"component": 99, "id": "x"}]),
        changed(findings=[{"component": -1, "id": "x"}]),
        changed(findings=[{"component": 0, "id": "x", "severity": {"level": "awful"}}]),
        changed(findings=[{"component": 0}]),
        changed(problems="none"),
        changed(time=5),
        changed(findings=[{"component": 0, "id": 5}]),
        changed(findings=[{"component": 0, "id": "x", "aliases": "DSA-1"}]),
        changed(findings=[{"component": 0, "id": "x", "fix_state": "perhaps"}]),
        changed(findings=[{"component": 0, "id": "x", "severity": {"score": "high"}}]),
        changed(findings=[{"component": 0, "id": "half of \ud83d"}]),
        changed(outdated=[{"component": 0, "available": "2", "suite": "x", "security": "no"}]),
        changed(feeds=[{"name": "x", "date": 5}]),
    ],
)
def test_what_is_no_scan(data: object) -> None:
    with pytest.raises(InputError):
        read(data)


def test_names_without_tag_and_digest() -> None:
    assert repository("r:5000/team/hello:1@sha256:00") == "r:5000/team/hello"
    assert repository("r:5000/hello") == "r:5000/hello"
    assert repository("hello") == "hello"
    for place in ("docker-archive:x.tar", "dir:root", "oci:layout:1", "sha256:00"):
        assert repository(place) == place
    assert repository("docker:hello:1") == "docker:hello"


def test_a_fingerprint_outlives_versions_and_tags() -> None:
    newer = Component("deb", "zlib1g", "1:1.2.1", "pkg:deb/debian/zlib1g@1%3A1.2.1?arch=arm64")
    one = fingerprint("hello:1", Finding("CVE-2026-1", ZLIB))
    assert one == fingerprint("hello:2", Finding("CVE-2026-1", newer))
    assert one != fingerprint("other:1", Finding("CVE-2026-1", ZLIB))
    assert one != fingerprint("hello:1", Finding("CVE-2026-3", ZLIB))
