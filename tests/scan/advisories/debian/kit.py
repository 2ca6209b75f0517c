"""A mirror in a directory: suites that are really signed, with packages that dpkg made."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.events import Reporter
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.advisories.update import update
from slipway.scan.match import scan
from tests.distro.repository import date, key
from tests.scan.advisories.kit import BOOKWORM, NOW, inventory, settings_in

if TYPE_CHECKING:
    from slipway.scan.advisories.plug import Change
    from slipway.scan.model import Component, Scan, System
    from slipway.settings import Settings

DAY = 86400
FEED = "suites:bookworm"


def entry(source: str, version: str, *lines: str, day: str = "Mon, 02 Nov 2026 10:00:00 +0000") -> str:
    """One entry of a changelog (deb-changelog(5))."""
    said = "".join(f"  * {line}\n" for line in lines)
    return f"{source} ({version}) bookworm-security; urgency=high\n\n{said}\n -- A Maintainer <a@example.org>  {day}\n\n"


@dataclass
class Package:
    """`changelog` is the text, or the target of a symlink in its place; `files` are further ones by path."""

    name: str
    version: str
    source: str = ""
    arch: str = "amd64"
    changelog: str = ""
    link: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    compressor: str = "gzip"

    def build(self, folder: Path) -> Path:
        tree = folder / f"tree-{self.name}-{_plain(self.version)}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: {self.name}\nVersion: {self.version}\nArchitecture: {self.arch}\n"
            "Maintainer: A Maintainer <a@example.org>\nDescription: for tests\n"
        )
        native = "-" not in self.version
        doc = tree / "usr/share/doc" / self.name
        if self.link:
            doc.parent.mkdir(parents=True)
            doc.symlink_to(self.link)
        elif self.changelog:
            doc.mkdir(parents=True)
            place = doc / ("changelog.gz" if native else "changelog.Debian.gz")
            place.write_bytes(gzip.compress(self.changelog.encode(), mtime=0))
        for path, content in self.files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        made = folder / f"{self.name}_{_plain(self.version)}_{self.arch}.deb"
        argv = ["dpkg-deb", "--root-owner-group", f"-Z{self.compressor}", "--build", str(tree), str(made)]
        subprocess.run(argv, check=True, capture_output=True)
        shutil.rmtree(tree)
        return made


def _plain(version: str) -> str:
    """As in names of files: without the epoch."""
    return version.rpartition(":")[2]


class Mirror:
    """`archive` is the directory that `--from` is given."""

    def __init__(self, path: Path) -> None:
        self.archive = path / "debian"
        self.security = path / "debian-security"
        self.keyring = key("archive").keyring

    def publish(
        self,
        suite: str,
        *packages: Package,
        arch: str = "amd64",
        codename: str = "bookworm",
        valid_until: float | None = None,
        made: float = NOW - DAY,
        signer: str = "archive",
    ) -> Path:
        """Write the suite with these packages alone; returns the path of its index."""
        archive = self.security if suite.endswith("-security") else self.archive
        pool = archive / "pool"
        pool.mkdir(parents=True, exist_ok=True)
        stanzas = [self._stanza(archive, pool, package) for package in packages]
        home = archive / "dists" / suite
        index = home / f"main/binary-{arch}/Packages.gz"
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_bytes(gzip.compress("\n".join(stanzas).encode(), mtime=0))
        data = index.read_bytes()
        lines = [
            "Origin: Debian",
            f"Suite: {suite}",
            f"Codename: {codename}" + ("-security" if suite.endswith("-security") else ""),
            "Version: 12.15",
            f"Date: {date(made)}",
            *([f"Valid-Until: {date(valid_until)}"] if valid_until is not None else []),
            f"Architectures: {arch}",
            "Components: main",
            "SHA256:",
            f" {hashlib.sha256(data).hexdigest()} {len(data)} main/binary-{arch}/Packages.gz",
        ]
        (home / "InRelease").write_bytes(key(signer).clear_sign("\n".join(lines) + "\n"))
        return index

    def _stanza(self, archive: Path, pool: Path, package: Package) -> str:
        made = next(pool.glob(f"{package.name}_{_plain(package.version)}_*.deb"), None)
        made = made or package.build(pool)
        data = made.read_bytes()
        lines = [f"Package: {package.name}", f"Version: {package.version}", f"Architecture: {package.arch}"]
        lines += [f"Source: {package.source}"] if package.source else []
        lines += [f"Filename: {made.relative_to(archive)}", f"Size: {len(data)}"]
        return "\n".join([*lines, f"SHA256: {hashlib.sha256(data).hexdigest()}"]) + "\n"


def bring(
    settings: Settings,
    mirror: Mirror,
    feed: str = FEED,
    *,
    now: float = NOW,
    source: str = "",
    reporter: Reporter | None = None,
) -> Change:
    known = settings.with_(keyring=settings.keyring or str(mirror.keyring))
    return update([feed], known, reporter or Reporter(), source=source or str(mirror.archive), now=now)[0]


def look(settings: Settings, *components: Component, system: System = BOOKWORM, now: float = NOW) -> Scan:
    with AdvisoryStore.of(settings) as store:
        return scan(inventory(*components, system=system), store, settings, Reporter(), now=now)


def deb(name: str, version: str, source: str = "", source_version: str = "", **more: Any) -> Component:
    from slipway.scan.model import Component

    more.setdefault("arch", "amd64")
    purl = f"pkg:deb/debian/{name}@{version}"
    return Component("deb", name, version, purl, source or name, source_version or version, **more)


__all__ = [
    "BOOKWORM",
    "DAY",
    "FEED",
    "NOW",
    "Mirror",
    "Package",
    "bring",
    "deb",
    "entry",
    "look",
    "settings_in",
]
