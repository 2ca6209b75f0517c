"""How fast an image is scanned offline when all is known: 150 packages of Debian, against a whole release.

The suites are as large as real ones (64,000 packages, a tenth of them in the security suite, changelogs of a thousand
sources), and made up. Each scan is a process of its own, from start to result.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from slipway.scan.advisories.debian import tables
from slipway.scan.advisories.debian.changelog import Changelog, Entry
from slipway.scan.advisories.debian.packages import Binary
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.model import Feed

PACKAGES, SUITE, SOURCES, ROUNDS = 150, 64_000, 1_000, 9
FEED = "suites:bookworm"
SCAN = """
import sys, time
from pathlib import Path
import slipway.cli.main
from slipway.events import Reporter
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.inventory import take
from slipway.scan.match import scan
from slipway.settings import Settings

settings = Settings(Path(sys.argv[1]) / "store", Path(sys.argv[1]) / "cache", offline=True)
inventory = take(sys.argv[2], settings, Reporter())
start = time.perf_counter()
with AdvisoryStore.of(settings) as store:
    found = scan(inventory, store, settings, Reporter(), now=1.7e9)
print(len(inventory.components), len(found.outdated), len(found.findings), time.perf_counter() - start)
"""


def binaries(suite: int, count: int) -> list[Binary]:
    return [
        Binary(
            f"package-{n}", f"1.{n}-1+deb12u{suite}", f"source-{n // 3}", f"1.{n}-1+deb12u{suite}", "", 0, ""
        )
        for n in range(count)
    ]


def fill(path: Path) -> None:
    entries = tuple(Entry(f"1.{n}-1+deb12u3", "", (f"CVE-2023-{1000 + n}",)) for n in range(40))
    changelogs = {f"source-{n}": Changelog("1.99999-1+deb12u9", "0", entries) for n in range(SOURCES)}
    with AdvisoryStore(path / "cache/advisories/advisories.db", write=True) as store, store.writing() as db:
        tables.create(db)
        for suite, count, security in (("bookworm", SUITE, False), ("bookworm-security", SUITE // 10, True)):
            rows = binaries(5 if security else 4, count)
            tables.write_index(db, FEED, (suite, "main", "", ""), rows, security=security)
        tables.write_rest(db, FEED, "bookworm", "2028-06-30", changelogs, ())
        store.note(Feed(FEED, "12", "2023-11-14T00:00:00Z"), ())


def tree(path: Path) -> Path:
    """What a scan reads of an image."""
    stanzas = (
        f"Package: package-{n}\nStatus: install ok installed\nArchitecture: amd64\nSource: source-{n // 3}\n"
        f"Version: 1.{n}-1+deb12u{n % 5}\n"
        for n in range(PACKAGES)
    )
    told = {
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
        "var/lib/dpkg/status": "\n".join(stanzas),
    }
    for name, text in told.items():
        (path / name).parent.mkdir(parents=True)
        (path / name).write_text(text)
    return path


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        path = Path(name)
        fill(path)
        root = tree(path / "root")
        took, inside, shown = [], [], ""
        for _ in range(ROUNDS):
            start = time.perf_counter()
            argv = [sys.executable, "-c", SCAN, name, f"dir:{root}"]
            done = subprocess.run(argv, check=True, capture_output=True, text=True, env=dict(os.environ))
            took.append(time.perf_counter() - start)
            shown, _, seconds = done.stdout.strip().rpartition(" ")
            inside.append(float(seconds))
        components, outdated, findings = shown.split()
        print(f"{components} packages, {outdated} outdated, {findings} findings")
        print(f"scan    median {statistics.median(inside):.3f} s  best {min(inside):.3f} s")
        print(f"process median {statistics.median(took):.3f} s  best {min(took):.3f} s")


if __name__ == "__main__":
    main()
