"""Advisories and inventories for tests: real ids, ranges and versions, our own words."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

from slipway.events import Reporter
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.advisories.update import update
from slipway.scan.model import Component, Inventory, System
from slipway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slipway.scan.advisories.plug import Change

NOW = 1_795_248_000.0  # 2026-11-21
BOOKWORM = System("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")

Record = dict[str, Any]


def package(
    ecosystem: str, name: str, *events: dict[str, str], versions: tuple[str, ...] = (), **more: Any
) -> Record:
    entry: Record = {"package": {"ecosystem": ecosystem, "name": name}, **more}
    if events:
        kind = "SEMVER" if ecosystem == "npm" else "ECOSYSTEM"
        entry["ranges"] = [{"type": kind, "events": list(events)}]
    if versions:
        entry["versions"] = list(versions)
    return entry


def record(name: str, *affected: Record, modified: str = "2026-11-20T12:00:00Z", **more: Any) -> Record:
    return {
        "schema_version": "1.7.0",
        "id": name,
        "modified": modified,
        "affected": list(affected),
        **more,
    }


JINJA = record(
    "GHSA-h75v-3vvj-5mfj",
    package("PyPI", "Jinja2", {"introduced": "0"}, {"fixed": "3.1.4"}),
    aliases=["CVE-2024-34064"],
    summary="attribute names with special characters",
    details="They end up in the page.",
    published="2024-05-06T14:20:59Z",
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N"}],
    database_specific={"severity": "MODERATE"},
    references=[{"type": "WEB", "url": "https://example.org/jinja"}],
)
# The same weakness in another database, with the list of versions.
JINJA_PYSEC = record(
    "PYSEC-2024-9999",
    package("PyPI", "jinja2", {"introduced": "0"}, {"fixed": "3.1.4"}, versions=("3.1.2", "3.1.3")),
    aliases=["CVE-2024-34064", "GHSA-h75v-3vvj-5mfj"],
)
LODASH = record(
    "GHSA-35jh-r3h4-6jhm",
    package("npm", "lodash", {"introduced": "0"}, {"fixed": "4.17.21"}),
    aliases=["CVE-2021-23337"],
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"}],
)
OPENSSL = record(
    "DEBIAN-CVE-2023-0464",
    package(
        "Debian:12",
        "openssl",
        {"introduced": "0"},
        {"fixed": "3.0.9-1"},
        ecosystem_specific={"urgency": "low**"},
    ),
    package("Debian:13", "openssl", {"introduced": "0"}, {"fixed": "3.0.9-1"}),
    upstream=["CVE-2023-0464"],
)
OPENSSL_DSA = record(
    "DSA-5417-1",
    package("Debian:12", "openssl", {"introduced": "0"}, {"fixed": "3.0.9-1"}),
    upstream=["CVE-2023-0464", "CVE-2023-0465"],
    summary="openssl - security update",
)
LINUX = record(
    "DEBIAN-CVE-2024-1086",
    package("Debian:12", "linux", {"introduced": "0"}, {"fixed": "6.1.76-1"}),
    upstream=["CVE-2024-1086"],
)


def directory(path: Path, records: Iterable[Record]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for item in records:
        (path / f"{item['id']}.json").write_text(json.dumps(item))
    return path


def archive(path: Path, records: Iterable[Record]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for item in records:
            out.writestr(f"{item['id']}.json", json.dumps(item))
    return path


def settings_in(path: Path, **changes: Any) -> Settings:
    return Settings(path / "store", path / "cache", timeout=5.0).with_(**changes)


def bring(settings: Settings, feed: str, source: Path | str, reporter: Reporter | None = None) -> Change:
    return update([feed], settings, reporter or Reporter(), source=str(source), now=NOW)[0]


def store(settings: Settings) -> AdvisoryStore:
    return AdvisoryStore.of(settings)


def component(kind: str, name: str, version: str, **more: Any) -> Component:
    return Component(kind, name, version, f"pkg:{kind}/{name}@{version}", **more)  # type: ignore[arg-type]


def inventory(*components: Component, system: System = BOOKWORM) -> Inventory:
    return Inventory("image:1", "sha256:" + "0" * 64, "linux/amd64", system, components)
