"""What is kept of scans: durable, bounded, safe against two at once, and never silent about damage."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import slipway
from slipway.errors import InputError
from slipway.oci.gc import collect, usage
from slipway.oci.store import Store
from slipway.scan.fingerprint import fingerprint_in
from slipway.scan.history import entries, first_seen, keep, scan_of
from slipway.scan.history.files import directory, files, subject
from slipway.scan.history.packing import packed
from slipway.scan.model import Feed, Finding, Level, Outdated, Uncovered
from slipway.scan.policy.model import Judged, Verdict
from slipway.settings import Settings
from tests.scan.history.kit import (
    FEED,
    OTHER,
    SSL,
    ZLIB,
    Ears,
    deb,
    finding,
    judged,
    scan,
    settings_in,
    waived,
)

NOV20, NOV21, NOV22 = "2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z", "2026-11-22T08:00:00Z"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def ears() -> Ears:
    return Ears()


def place(settings: Settings) -> Path:
    return directory(settings, "hello:1", "linux/amd64")


def test_what_is_kept_comes_back(settings: Settings, ears: Ears) -> None:
    headers = finding("CVE-3", deb("linux-libc-dev", "6.1"), class_="headers")
    made = scan(
        finding("CVE-1", SSL, Level.CRITICAL, "3.0.9-1", description="long", urls=("https://example.org",)),
        waived(finding("CVE-2", ZLIB)),
        headers,
        outdated=(Outdated(SSL, "3.0.9-1", "bookworm-security", security=True),),
        uncovered=(Uncovered(ZLIB, "backport"),),
        problems=("no advisories for PyPI",),
    )
    keep(Judged(made, Verdict("unknown")), settings, ears.reporter)
    (entry,) = entries("hello:1", settings, ears.reporter)
    numbers = entry.numbers
    assert numbers.open == (0, 0, 0, 0, 0, 1)
    assert numbers.excused == (0, 0, 0, 0, 1, 0)
    assert (numbers.fixable, numbers.headers, numbers.outdated, numbers.uncovered) == (1, 1, 1, 1)
    assert (entry.complete, entry.outcome, entry.digest) == (False, "unknown", made.inventory.digest)
    assert entry.feeds == (FEED,)
    again = scan_of(entry)
    plain = tuple(replace(f, description="", urls=()) for f in made.findings)
    assert again == replace(made, findings=plain)
    assert ears.warnings == []


def test_a_weakness_of_a_package_counts_once(settings: Settings, ears: Ears) -> None:
    twice = deb("libssl3", "3.0.8-1", path="opt/var/lib/dpkg/status")
    keep(judged(finding("CVE-1"), finding("CVE-1", twice)), settings, ears.reporter)
    (entry,) = entries("hello", settings, ears.reporter)
    assert sum(entry.numbers.open) == 1


def test_first_seen_outlives_tags_versions_and_absence(settings: Settings, ears: Ears) -> None:
    one, two = finding("CVE-1"), finding("CVE-2")
    for time, found, image in ((NOV20, (one,), "hello:1"), (NOV21, (two,), "hello:2")):
        keep(
            Judged(first_seen(scan(*found, time=time, image=image), settings, ears.reporter)),
            settings,
            ears.reporter,
        )
    back = replace(one, component=deb("libssl3", "3.0.8-2"))
    now = first_seen(scan(back, two, finding("CVE-9"), time=NOV22, image="hello:3"), settings, ears.reporter)
    assert [f.first_seen for f in now.findings] == [NOV20, NOV21, NOV22]
    assert ears.warnings == []


def test_what_is_known_to_be_older_stays_so(settings: Settings, ears: Ears) -> None:
    imported = finding("CVE-1", first_seen="2026-01-01T00:00:00Z")
    (found,) = first_seen(scan(imported), settings, ears.reporter).findings
    assert found.first_seen == "2026-01-01T00:00:00Z"
    keep(judged(imported), settings, ears.reporter)
    (found,) = first_seen(scan(finding("CVE-1")), settings, ears.reporter).findings
    assert found.first_seen == "2026-01-01T00:00:00Z"


def test_what_is_not_kept_begins_no_time(settings: Settings, ears: Ears) -> None:
    """Else each of such scans would be the first, and its days of grace would never end."""
    keep(judged(finding("CVE-1"), time=NOV20), settings, ears.reporter)
    later = scan(finding("CVE-1"), finding("CVE-2"), time=NOV22)
    now = first_seen(later, settings, ears.reporter, kept=False)
    assert [f.first_seen for f in now.findings] == [NOV20, ""]


def test_the_same_on_one_day_is_replaced(settings: Settings, ears: Ears) -> None:
    for hour in range(8, 12):
        keep(judged(finding("CVE-1"), time=f"2026-11-21T{hour:02}:00:00Z"), settings, ears.reporter)
    assert [e.time for e in entries("hello", settings, ears.reporter)] == ["2026-11-21T11:00:00Z"]
    (found,) = first_seen(scan(finding("CVE-1"), time=NOV22), settings, ears.reporter).findings
    assert found.first_seen == NOV21
    keep(judged(finding("CVE-1"), time=NOV22), settings, ears.reporter)
    assert len(entries("hello", settings, ears.reporter)) == 2


def test_scans_of_one_second_keep_their_order(settings: Settings, ears: Ears) -> None:
    for number in range(5):
        keep(judged(finding(f"CVE-{number}")), settings, ears.reporter)
    found = [scan_of(entry).findings[0].id for entry in entries("hello", settings, ears.reporter)]
    assert found == [f"CVE-{number}" for number in range(5)]


@pytest.mark.parametrize(
    "change",
    [
        {"digest": OTHER},
        {"image": "hello:2"},
        {"feeds": (Feed("osv:Debian", "1", "2026-11-21T00:00:00Z"),)},
        {"problems": ("too old",)},
        {"components": [ZLIB]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_result_is_kept_beside(settings: Settings, ears: Ears, change: dict[str, object]) -> None:
    keep(judged(finding("CVE-1")), settings, ears.reporter)
    keep(judged(finding("CVE-1"), time="2026-11-21T09:00:00Z", **change), settings, ears.reporter)
    assert len(entries("hello", settings, ears.reporter)) == 2


def test_tags_platforms_and_days_can_be_asked_for(settings: Settings, ears: Ears) -> None:
    for time, image, platform in (
        (NOV20, "hello:1", "linux/amd64"),
        (NOV21, "hello:2", "linux/amd64"),
        (NOV22, "hello:2", "linux/arm64"),
    ):
        keep(judged(finding("CVE-1"), time=time, image=image, platform=platform), settings, ears.reporter)

    def times(image: str, **more: str) -> list[str]:
        return [entry.time[8:10] for entry in entries(image, settings, ears.reporter, **more)]

    assert times("hello") == ["20", "21", "22"]
    assert times("hello:2") == ["21", "22"]
    assert times("hello:3") == []
    assert times("hello", platform="linux/arm64") == ["22"]
    assert times("hello", since="2026-11-21T00:00:00Z") == ["21", "22"]
    assert times("other") == []


def test_names_that_are_no_names_of_files(
    settings: Settings, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(judged(image="../../../etc/passwd:1", platform="../..\x00/x"), settings, ears.reporter)
    assert len(entries("../../../etc/passwd", settings, ears.reporter)) == 1
    assert {p.name for p in settings.store.iterdir()} == {"scans"}
    monkeypatch.chdir(settings.store)
    assert subject("docker-archive:x.tar") == f"docker-archive:{settings.store}/x.tar"
    assert subject("docker-archive:x.tar") != subject("docker-archive:y.tar")
    assert subject("docker:hello") == subject("docker:hello:2") == "docker:hello"
    assert subject("r:5000/hello") == subject("r:5000/hello:2@sha256:00") == "r:5000/hello"
    assert subject(OTHER) == OTHER


HUB = ("python:3.12", "docker.io/library/python:3.12", "index.docker.io/python:3.12", "library/python:3.12")


def test_one_image_has_one_history(settings: Settings, ears: Ears) -> None:
    for hour, image in enumerate(HUB):
        now = scan(finding("CVE-1"), time=f"2026-11-2{hour}T08:00:00Z", image=image)
        keep(Judged(first_seen(now, settings, ears.reporter)), settings, ears.reporter)
    assert len(list((settings.store / "scans").iterdir())) == 1
    asked = ("python", "docker.io/python", *HUB)
    for image in asked:
        found = entries(image, settings, ears.reporter)
        assert [entry.time[:10] for entry in found] == ["2026-11-20", "2026-11-23"], image
        assert {f.first_seen for e in found for f in scan_of(e).findings} == {"2026-11-20T08:00:00Z"}
    assert entries("python:latest", settings, ears.reporter) == ()
    keep(judged(image="python"), settings, ears.reporter)
    assert len(entries("docker.io/library/python:latest", settings, ears.reporter)) == 1


def as_before(settings: Settings, name: str, image: str, *found: Finding, time: str) -> Path:
    """A history as it was when each spelling had its own."""
    place = settings.store / "scans" / sha256(name) / sha256("linux/amd64")
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{time.replace('-', '').replace(':', '')}-0000.json.gz").write_bytes(
        packed(judged(*found, time=time, image=image))[1]
    )
    old = json.loads((place / "seen.json").read_text())["seen"] if (place / "seen.json").exists() else {}
    seen = {fingerprint_in(name, f): time for f in found} | old
    (place / "seen.json").write_text(json.dumps({"format": 1, "seen": seen}))
    return place


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@pytest.mark.parametrize("lost", [False, True])
def test_what_was_kept_under_another_name_is_found(settings: Settings, ears: Ears, *, lost: bool) -> None:
    one, two = finding("CVE-1"), finding("CVE-2", ZLIB)
    long = "docker.io/library/python"
    place = as_before(settings, long, f"{long}:3.12", one, time=NOV20)
    as_before(settings, "python", "python:3.12", two, time=NOV21)
    as_before(settings, "team/python", "team/python:3.12", two, time=NOV20)
    if lost:
        (place / "seen.json").unlink()
    for image in ("python:3.12", f"{long}:3.12", "python"):
        assert [e.time for e in entries(image, settings, ears.reporter)] == [NOV20, NOV21]
        now = first_seen(scan(one, two, time=NOV22, image=image), settings, ears.reporter)
        assert [f.first_seen for f in now.findings] == [NOV20, NOV21]
    assert bool(ears.warnings) is lost
    keep(Judged(now), settings, ears.reporter)
    assert [e.time for e in entries(long, settings, ears.reporter)] == [NOV20, NOV21, NOV22]
    shutil.rmtree(place)
    again = first_seen(scan(one, time=NOV22, image="python"), settings, ears.reporter)
    assert again.findings[0].first_seen == NOV20, "it was carried over"


def test_a_scan_that_is_there_twice_counts_once(settings: Settings, ears: Ears) -> None:
    place = as_before(settings, "python", "python:3.12", finding("CVE-1"), time=NOV20)
    other = settings.store / "scans" / sha256("docker.io/library/python") / place.name
    shutil.copytree(place, other)
    (found,) = entries("python", settings, ears.reporter)
    assert found.file.parent == place


def kept_days(settings: Settings, image: str = "hello:1") -> list[str]:
    return [entry.time[5:10] for entry in entries(image, settings, Ears().reporter)]


def test_of_what_stays_the_same_the_first_and_the_last_of_a_month_are_kept(
    settings: Settings, ears: Ears
) -> None:
    """Although the advisories are of another day each time. Every change stays, and the scans on both sides of it."""
    for month, day in ((m, d) for m, last in ((10, 5), (11, 14)) for d in range(1, last + 1)):
        time = f"2026-{month}-{day:02}T08:00:00Z"
        dated = finding("CVE-1", provenance=(f"osv:Debian 2026-{month}-{day:02}",))
        more = (finding("CVE-2"),) if (month, day) in ((11, 5), (11, 6), (11, 7), (11, 11)) else ()
        feeds = (Feed("osv:Debian", "1", time),)
        for image in ("hello:1", "hello:2"):
            keep(judged(dated, *more, time=time, image=image, feeds=feeds), settings, ears.reporter)
    november = ["11-01", "11-04", "11-05", "11-07", "11-08", "11-10", "11-11", "11-12", "11-14"]
    assert kept_days(settings) == kept_days(settings, "hello:2") == ["10-01", "10-05", *november]
    kept = first_seen(scan(finding("CVE-2"), time="2026-12-01T00:00:00Z"), settings, ears.reporter)
    assert kept.findings[0].first_seen == "2026-11-05T08:00:00Z"


def test_a_scan_of_an_earlier_time_takes_nothing_away(settings: Settings, ears: Ears) -> None:
    for day in (20, 22, 21):
        keep(judged(finding("CVE-1"), time=f"2026-11-{day}T08:00:00Z"), settings, ears.reporter)
    assert kept_days(settings) == ["11-20", "11-21", "11-22"]


DAMAGE = {
    "empty": b"",
    "garbage": b"garbage",
    "two lines": gzip.compress(b"{}\n{}\n"),
    "a list": gzip.compress(b"[1]\n"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_told_and_stepped_over(settings: Settings, ears: Ears, damage: bytes) -> None:
    keep(judged(finding("CVE-1"), time=NOV20), settings, ears.reporter)
    keep(judged(finding("CVE-1"), finding("CVE-2"), time=NOV21), settings, ears.reporter)
    files(place(settings))[-1].write_bytes(damage)
    assert [e.time for e in entries("hello", settings, ears.reporter)] == [NOV20]
    (told,) = ears.warnings
    assert "damaged" in told
    keep(judged(finding("CVE-1"), time=NOV22), settings, ears.reporter)
    assert len(entries("hello", settings, ears.reporter)) == 2


def test_half_a_file_is_noticed(settings: Settings, ears: Ears) -> None:
    many = [finding(f"CVE-2026-{n}", title=os.urandom(40).hex()) for n in range(3000)]
    keep(judged(*many), settings, ears.reporter)
    (path,) = files(place(settings))
    path.write_bytes(path.read_bytes()[:-20_000])
    (entry,) = entries("hello", settings, ears.reporter)
    with pytest.raises(InputError, match="damaged"):
        scan_of(entry)


@pytest.mark.parametrize("damage", [None, b"", b"[]", b'{"format":1,"seen":{"a":1}}'])
def test_first_seen_is_made_anew(settings: Settings, ears: Ears, damage: bytes | None) -> None:
    keep(judged(finding("CVE-1"), time=NOV20), settings, ears.reporter)
    keep(judged(finding("CVE-2"), time=NOV21), settings, ears.reporter)
    seen = place(settings) / "seen.json"
    seen.unlink() if damage is None else seen.write_bytes(damage)
    now = first_seen(scan(finding("CVE-1"), finding("CVE-2"), time=NOV22), settings, ears.reporter)
    assert [f.first_seen for f in now.findings] == [NOV20, NOV21]
    (told,) = ears.warnings
    assert "seen.json" in told
    keep(judged(time=NOV22), settings, Ears().reporter)
    assert json.loads(seen.read_text())["seen"].keys() != set()


def test_a_format_of_later_is_no_damage(settings: Settings, ears: Ears) -> None:
    keep(judged(finding("CVE-1")), settings, ears.reporter)
    (path,) = files(place(settings))
    path.write_bytes(gzip.compress(b'{"format":2}\n'))
    assert entries("hello", settings, ears.reporter) == ()
    assert "not known here" in ears.warnings[0]


def test_a_store_that_cannot_be_written_is_told(settings: Settings, ears: Ears) -> None:
    settings.store.mkdir(parents=True)
    (settings.store / "scans").write_text("a file")
    keep(judged(finding("CVE-1")), settings, ears.reporter)
    (told,) = ears.warnings
    assert told.startswith("this scan is not kept in the history: ")
    assert entries("hello", settings, ears.reporter) == ()


def test_a_scan_without_a_time_is_not_kept(settings: Settings, ears: Ears) -> None:
    for time in ("", "yesterday", "../../x"):
        keep(judged(finding("CVE-1"), time=time), settings, ears.reporter)
    assert len(ears.warnings) == 3
    assert entries("hello", settings, Ears().reporter) == ()


def test_many_at_once(settings: Settings, ears: Ears) -> None:
    """Threads here and processes elsewhere: nothing is lost, and every finding is remembered."""
    script = (
        "import sys; from pathlib import Path; from tests.scan.history.kit import *; "
        "from slipway.scan.history import keep\n"
        "for n in range(5):\n"
        "    keep(judged(finding(f'CVE-{sys.argv[2]}-{n}'), time=f'2026-11-21T1{sys.argv[2]}:00:0{n}Z'),"
        " settings_in(Path(sys.argv[1])), Ears().reporter)"
    )
    root = Path(slipway.__file__).parents[2]
    programs = [
        subprocess.Popen([sys.executable, "-c", script, str(settings.store.parent), str(n)], cwd=root)
        for n in range(2)
    ]
    threads = [
        threading.Thread(
            target=keep,
            args=(judged(finding(f"CVE-2-{n}"), time=f"2026-11-21T12:00:0{n}Z"), settings, ears.reporter),
        )
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [program.wait(60) for program in programs] == [0, 0]
    assert len(entries("hello", settings, ears.reporter)) == 15
    seen = json.loads((place(settings) / "seen.json").read_text())["seen"]
    assert len(seen) == 15
    assert ears.warnings == []


def test_the_store_knows_what_to_leave(settings: Settings, ears: Ears) -> None:
    keep(judged(finding("CVE-1")), settings, ears.reporter)
    old = place(settings) / ".tmp-1"
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    before = usage(Store(settings.store), settings).records
    assert before > 0
    report = collect(Store(settings.store), settings, older_than=0)
    assert set(report.swept) == {"left-overs"}
    assert not old.exists()
    assert len(entries("hello", settings, ears.reporter)) == 1


def test_a_year_is_read_quickly(settings: Settings, ears: Ears) -> None:
    """The list reads the numbers alone; what a scan costs is looking up what was seen."""
    import time

    found: list[Finding] = [finding(f"CVE-2026-{n}", deb(f"p{n % 200}", "1")) for n in range(800)]
    keep(judged(*found), settings, ears.reporter)
    (path,) = files(place(settings))
    for day in range(364):
        (path.parent / f"2025{day // 28 + 1:02}{day % 28 + 1:02}T000000Z-0000.json.gz").write_bytes(
            path.read_bytes()
        )
    start = time.perf_counter()
    assert len(entries("hello", settings, ears.reporter)) == 365
    listed = time.perf_counter() - start
    start = time.perf_counter()
    first_seen(scan(*found, time=NOV22), settings, ears.reporter)
    looked = time.perf_counter() - start
    assert listed < 2
    assert looked < 0.3
