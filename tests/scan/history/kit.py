"""Scans for tests, as short to write as they can be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.events import Event, Note, Reporter
from slipway.scan.model import Component, Feed, Finding, Inventory, Level, Scan, Severity, System
from slipway.scan.policy.model import Judged
from slipway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DIGEST = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
BOOKWORM = System("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
FEED = Feed("osv:Debian", "1", "2026-11-20T00:00:00Z")


def settings_in(path: Path) -> Settings:
    return Settings(path / "store", path / "cache")


def deb(name: str, version: str, **more: Any) -> Component:
    return Component("deb", name, version, f"pkg:deb/debian/{name}@{version}?arch=amd64", **more)


SSL = deb("libssl3", "3.0.8-1")
ZLIB = deb("zlib1g", "1.2.13-1")


def finding(
    name: str, component: Component = SSL, level: Level = Level.HIGH, *fixed: str, **more: Any
) -> Finding:
    more.setdefault("provenance", ("osv:Debian 2026-11-20",))
    return Finding(
        name,
        component,
        fixed=fixed,
        fix_state="fixed" if fixed else "not-fixed",
        severity=Severity(level, origin="debian"),
        **more,
    )


def scan(
    *findings: Finding,
    time: str = "2026-11-21T08:00:00Z",
    image: str = "hello:1",
    digest: str = DIGEST,
    components: Iterable[Component] = (),
    platform: str = "linux/amd64",
    labels: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> Scan:
    """The components are those of the findings, and `components` besides."""
    here = dict.fromkeys((*components, *(f.component for f in findings)))
    inventory = Inventory(image, digest, platform, BOOKWORM, tuple(here), labels=labels)
    more.setdefault("feeds", (FEED,))
    return Scan(inventory, findings, time=time, **more)


def judged(*findings: Finding, **more: Any) -> Judged:
    return Judged(scan(*findings, **more))


def waived(found: Finding) -> Finding:
    return replace(found, waiver="nobody can reach it, me, until 2027-01-01")


class Ears:
    """A reporter, and the warnings that it was told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.reporter = Reporter(self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Note) and event.level == "warning":
            self.warnings.append(event.text)
