"""Scans, policies and VEX documents for tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway.scan.model import Component, Feed, Finding, Inventory, Level, Scan, Severity, System
from slipway.scan.policy.model import Statement, Waiver

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_248_000.0  # 2026-11-21T08:00:00Z
TODAY = "2026-11-21"
DAY = 86400
BOOKWORM = System("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
DIGEST = "sha256:" + "a" * 64

SSL = Component(
    "deb",
    "libssl3",
    "3.0.8-1",
    "pkg:deb/debian/libssl3@3.0.8-1?arch=amd64&distro=debian-12&upstream=openssl%403.0.8-1",
    "openssl",
    "3.0.8-1",
    "amd64",
)
JINJA = Component("pypi", "jinja2", "3.1.3", "pkg:pypi/jinja2@3.1.3", path="app/a")
HEADERS = Component("deb", "linux-libc-dev", "6.1.1-1", "pkg:deb/debian/linux-libc-dev@6.1.1-1?arch=amd64")


def finding(
    name: str = "CVE-2024-34064", component: Component = JINJA, level: Level = Level.HIGH, **more: Any
) -> Finding:
    more.setdefault("fixed", ("3.1.4",))
    return Finding(name, component, severity=Severity(level), **more)


def scan(*findings: Finding, name: str = "registry.example.org/team/hello:1", **more: Any) -> Scan:
    components = tuple(dict.fromkeys(f.component for f in findings)) or (JINJA,)
    inventory = Inventory(name, DIGEST, "linux/amd64", BOOKWORM, components)
    more.setdefault("feeds", (Feed("osv:PyPI", "", "2026-11-20T08:00:00Z"),))
    return Scan(inventory, findings, time="2026-11-21T08:00:00Z", **more)


def waiver(name: str = "CVE-2024-34064", expires: str = "2026-12-31", **more: Any) -> Waiver:
    return Waiver(name, "nobody can reach it", "ann", expires, where="w.yaml:1", **more)


def statement(
    *products: str, status: str = "not_affected", time: str = "2026-11-01T00:00:00Z", **more: Any
) -> Statement:
    more.setdefault("ids", ("CVE-2024-34064",))
    return Statement(
        status=status,  # type: ignore[arg-type]
        products=products,
        justification="component_not_present",
        time=time,
        **more,
    )


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path
