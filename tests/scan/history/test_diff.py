"""What is new between two scans, what is gone, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.scan.history.changes import Changes
from slipway.scan.history.diff import diff
from slipway.scan.model import Component, Feed, Finding, Level, Scan, Uncovered
from tests.scan.history.kit import SSL, ZLIB, deb, finding, scan, waived

NEWER = deb("libssl3", "3.0.9-1")
A, B = finding("CVE-1"), finding("CVE-2", ZLIB, Level.LOW)


def whys(changes: Changes) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return tuple([(t.finding.id, t.why) for t in turns] for turns in (changes.added, changes.gone))  # type: ignore[return-value]


def test_nothing_has_changed() -> None:
    other = replace(scan(A, B).inventory, name="release:7", digest="")
    changes = diff(scan(A, B), replace(scan(A, B), inventory=other))
    assert (changes.added, changes.gone, changes.altered, changes.packages) == ((), (), (), ())
    assert [f.id for f in changes.same] == ["CVE-1", "CVE-2"]
    assert changes.outcome(Level.NEGLIGIBLE) == "pass"


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (scan(components=[NEWER]), "package is 3.0.9-1, was 3.0.8-1"),
        (scan(), "package removed"),
        (scan(waived(A)), "excused now: nobody can reach it, me, until 2027-01-01"),
        (
            scan(replace(A, vex="not_affected: code not present")),
            "excused now: not_affected: code not present",
        ),
        (scan(replace(A, status="not_affected")), "excused now: not affected"),
        (scan(replace(A, status="fixed")), "excused now: fixed"),
        (scan(components=[SSL]), "advisory withdrawn or changed"),
        (
            scan(components=[SSL], uncovered=(Uncovered(SSL, "a backport"),)),
            "cannot be told any more: a backport",
        ),
        (scan(components=[SSL], feeds=(Feed("osv:PyPI"),)), "not asked any more: osv:Debian 2026-11-20"),
    ],
)
def test_why_gone(new: Scan, why: str) -> None:
    changes = diff(scan(A), new)
    assert whys(changes) == ([], [("CVE-1", why)])
    assert changes.gone[0].sure is not why.startswith(("cannot", "not asked"))


@pytest.mark.parametrize(
    ("old", "why", "outcome"),
    [
        (scan(components=[SSL]), "newly known", "fail"),
        (scan(), "package added", "fail"),
        (scan(components=[NEWER]), "package is 3.0.8-1, was 3.0.9-1", "fail"),
        (scan(waived(A)), "no longer excused: nobody can reach it, me, until 2027-01-01", "fail"),
        (scan(replace(A, status="not_affected")), "no longer excused: not affected", "fail"),
        (
            scan(components=[SSL], uncovered=(Uncovered(SSL, "a backport"),)),
            "not known before: a backport",
            "unknown",
        ),
        (scan(components=[SSL], feeds=()), "not asked before: osv:Debian 2026-11-20", "unknown"),
        (scan(components=[SSL], problems=("too old",)), "newly known", "unknown"),
    ],
)
def test_why_new(old: Scan, why: str, outcome: str) -> None:
    changes = diff(old, scan(A))
    assert whys(changes) == ([("CVE-1", why)], [])
    assert changes.outcome(Level.HIGH) == outcome
    assert changes.outcome(Level.CRITICAL) == ("pass" if old.complete else "unknown")


def test_what_changed_in_a_finding() -> None:
    worse = replace(finding("CVE-1", SSL, Level.CRITICAL, "3.0.9-1"), component=NEWER)
    changes = diff(scan(A), scan(worse))
    assert [a.what for a in changes.altered] == [("severity high → critical", "fixed in 3.0.9-1")]
    assert changes.outcome(Level.CRITICAL) == "fail"
    assert changes.outcome(Level.HIGH) == "pass"
    back = diff(scan(worse), scan(A))
    assert [a.what for a in back.altered] == [("severity critical → high", "no fix any more")]
    state = replace(A, fix_state="fixed")
    assert [a.what for a in diff(scan(A), scan(state)).altered] == [("a fix is available",)]


def test_the_same_by_another_name() -> None:
    """A finding may be known by its GHSA id first, and by its CVE later; bulletins are names of many."""
    early = finding("GHSA-1", aliases=("DSA-1",))
    late = finding("CVE-7", aliases=("GHSA-1", "DSA-1"))
    assert [f.id for f in diff(scan(early), scan(late)).same] == ["CVE-7"]
    assert [f.id for f in diff(scan(late), scan(early)).same] == ["GHSA-1"]
    other = finding("CVE-8", aliases=("DSA-1",))
    assert whys(diff(scan(early), scan(other)))[1] == [("GHSA-1", "advisory withdrawn or changed")]


def test_excused_in_one_place_is_open_in_the_other() -> None:
    elsewhere = replace(A, component=replace(SSL, path="opt/status"))
    both = scan(waived(A), elsewhere)
    assert diff(scan(A), both).gone == ()
    assert diff(both, scan(A)).added == ()


def test_severity_that_nobody_tells() -> None:
    fixable, not_fixable = (
        finding("CVE-1", SSL, Level.UNKNOWN, "3.0.9-1"),
        finding("CVE-1", SSL, Level.UNKNOWN),
    )
    old = scan(components=[SSL])
    assert diff(old, scan(fixable)).outcome(Level.CRITICAL) == "fail"
    assert diff(old, scan(not_fixable)).outcome(Level.LOW) == "pass"
    assert diff(old, scan(not_fixable)).outcome(Level.NEGLIGIBLE) == "fail"


def test_headers_do_not_fail() -> None:
    headers = finding("CVE-1", deb("linux-libc-dev", "6.1"), Level.CRITICAL, class_="headers")
    changes = diff(scan(), scan(headers))
    assert len(changes.added) == 1
    assert changes.outcome(Level.LOW) == "pass"


@pytest.mark.parametrize("side", ["old", "new"])
def test_what_may_have_been_missed_is_not_passed(side: str) -> None:
    half, whole = scan(problems=("feeds are too old",)), scan()
    changes = diff(half, whole) if side == "old" else diff(whole, half)
    assert changes.outcome(Level.CRITICAL) == "unknown"


def npm(version: str, path: str) -> Component:
    return Component("npm", "lodash", version, f"pkg:npm/lodash@{version}", path=path)


def test_packages() -> None:
    old = [
        SSL, ZLIB, deb("gone", "1"), deb("odd", "1"), npm("1.0.0", "a"), npm("2.0.0", "b"),
        Component("pypi", "owned", "1", "pkg:pypi/owned@1", owner="pkg:deb/debian/python3-owned@1"),
        Component("generic", "thing", "1", "pkg:generic/thing@1"),
    ]  # fmt: skip
    new = [
        NEWER, deb("zlib1g", "1.2.12-1"), deb("added", "1:2"), deb("odd", "not a version!"),
        npm("1.0.0", "a"), npm("2.1.0", "b"), Component("generic", "thing", "2", "pkg:generic/thing@2"),
    ]  # fmt: skip
    changes = diff(scan(components=old), scan(components=new)).packages
    assert [(c.name, c.before, c.after, c.way) for c in changes if c.name != "odd"] == [
        ("added", "", "1:2", "added"),
        ("gone", "1", "", "removed"),
        ("libssl3", "3.0.8-1", "3.0.9-1", "upgraded"),
        ("zlib1g", "1.2.13-1", "1.2.12-1", "downgraded"),
        ("thing", "1", "2", "changed"),
        ("lodash", "1.0.0, 2.0.0", "1.0.0, 2.1.0", "upgraded"),
    ]


def test_the_order_does_not_depend_on_the_scan() -> None:
    found: tuple[Finding, ...] = (B, A, finding("CVE-3", ZLIB, Level.CRITICAL), finding("CVE-0"))
    one, two = diff(scan(), scan(*found)), diff(scan(), scan(*reversed(found)))
    assert [t.finding.id for t in one.added] == ["CVE-3", "CVE-0", "CVE-1", "CVE-2"]
    assert whys(one) == whys(two)
