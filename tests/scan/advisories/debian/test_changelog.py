"""Changelogs as people write them, and as they should not."""

from __future__ import annotations

import time

from slipway.scan.advisories.debian.changelog import Changelog, read, stored
from tests.scan.advisories.debian.kit import entry

TEXT = (
    entry("zlib", "1:1.2-3+deb12u2", "CVE-2026-2000: again", "CVE-2026-1000 was incomplete")
    + entry("zlib", "1:1.2-3+deb12u1", "Fix CVE-2026-1000, CVE-2026-1001.", "also CVE-2026-1001")
    + entry("zlib", "1:1.2-3", "New upstream release", day="no day")
    + entry("zlib", "1:1.1-1", "CVE-2019-12345")
)


def known(text: str = TEXT, version: str = "1:1.2-3+deb12u2") -> Changelog:
    found = read(text, version)
    assert found is not None
    return found


def test_what_came_since() -> None:
    entries = known().since("1:1.2-3")
    assert [(e.version, e.ids) for e in entries] == [
        ("1:1.2-3+deb12u1", ("CVE-2026-1000", "CVE-2026-1001")),
        ("1:1.2-3+deb12u2", ("CVE-2026-1000", "CVE-2026-2000")),
    ]
    assert entries[0].date == "2026-11-02T10:00:00Z"
    assert not known().since("1:1.2-3+deb12u2")


def test_newer_than_the_package_does_not_count() -> None:
    text = entry("zlib", "1:9-1", "CVE-2026-7777") + TEXT
    assert all("CVE-2026-7777" not in e.ids for e in known(text).since("1:1.1-1"))


def test_what_was_repaired_on_another_branch() -> None:
    """As of rsync in Debian 12, which got a newer upstream version by a stable update."""
    text = (
        entry("rsync", "3.5.0-0+deb12u1", "New upstream release", "CVE-2026-3000")
        + entry("rsync", "3.4.0-1", "CVE-2024-12084", "CVE-2024-12085")
        + entry("rsync", "3.2.7-1+deb12u2", "CVE-2024-12084: was incomplete")
        + entry("rsync", "3.2.7-1+deb12u1", "CVE-2024-12084")
    )
    changelog = known(text, "3.5.0-0+deb12u1")
    named = [(version, {i for e in changelog.since(version) for i in e.ids}) for version in
             ("3.2.7-1", "3.2.7-1+deb12u1", "3.2.7-1+deb12u2", "3.4.0-1")]  # fmt: skip
    every = {"CVE-2024-12084", "CVE-2024-12085", "CVE-2026-3000"}
    assert named == [
        ("3.2.7-1", every),
        ("3.2.7-1+deb12u1", every),
        ("3.2.7-1+deb12u2", every - {"CVE-2024-12084"}),
        ("3.4.0-1", {"CVE-2026-3000"}),
    ]
    assert all(entry.ids for entry in changelog.since("3.2.7-1+deb12u2"))


def test_completeness() -> None:
    assert known().completeness("1:1.2-3") == "full"
    assert known().completeness("1:1.1-1+b2") == "full"  # all that is newer is told
    assert known().completeness("1:1.0-1") == "truncated"
    assert Changelog("1").completeness("0") == "none"


def test_another_package() -> None:
    """A changelog that does not tell of its own version is none of it."""
    assert read(entry("other", "3-1", "CVE-2026-1000"), "1:1.2-3") is None
    assert read("", "1") is None
    assert read("\0garbage \x1b (1)", "1") is None


def test_it_is_kept_as_it_is() -> None:
    assert stored("1:1.2-3+deb12u2", "1:1.1-1", known().written()) == known()


def test_a_huge_one_takes_no_time() -> None:
    many = 300_000
    hostile = ["a" * many * 10, "x (" * many, "zlib (1) a;" * many, " -- <" * many, "\n" * many * 5]
    hostile += ["zlib (1) a;\n" * many, "zlib (1) " + "a " * many, "CVE-1111-" * many]
    for text in hostile:
        start = time.perf_counter()
        read(text + "\n" + TEXT, "1:1.2-3")
        assert time.perf_counter() - start < 5
