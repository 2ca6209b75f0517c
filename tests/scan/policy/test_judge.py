"""What each rule lets fail, and that nothing is passed of which it could not be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slipway.errors import InputError
from slipway.scan.fingerprint import fingerprint
from slipway.scan.model import Component, Feed, Finding, Inventory, Level, Outdated, Scan, Uncovered
from slipway.scan.policy import document
from slipway.scan.policy.api import judged, overall
from slipway.scan.policy.model import Judged, Policy, Verdict
from slipway.scan.policy.simple import simple
from tests.scan.policy.kit import DAY, HEADERS, JINJA, NOW, SSL, finding, scan, waiver

Rules = list[tuple[str, str]]


def verdict(result: Scan, policy: Policy, approved: Scan | None = None, now: float = NOW) -> Verdict:
    found = judged(result, policy=policy, approved=approved, now=now).verdict
    assert found is not None
    return found


def rules(result: Scan, approved: Scan | None = None, **policy: Any) -> list[str]:
    """The rules by which it fails; those that leave it open with a `?`."""
    found = verdict(result, Policy(**policy), approved)
    assert found.outcome == (found.reasons[0].outcome if found.reasons else "pass")
    return [r.rule + ("?" if r.outcome == "unknown" else "") for r in found.reasons]


def outdated(component: Component = SSL, **more: Any) -> Outdated:
    return Outdated(component, "3.0.9-1", "bookworm-security", **({"security": True} | more))


# -- findings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("least", [level for level in Level if level])
@pytest.mark.parametrize("level", [level for level in Level if level])
def test_severity(level: Level, least: Level) -> None:
    """Also those that are only critical fail."""
    assert rules(scan(finding(level=level)), severity=least) == (["severity"] if level >= least else [])


def test_the_reason_says_what_to_do() -> None:
    bad = finding(fixed=("2.11.4", "3.1.4"), aliases=("GHSA-h75v-3vvj-5mfj",))
    (reason,) = verdict(scan(bad), Policy()).reasons
    assert reason.text == "jinja2 3.1.3: CVE-2024-34064, severity high, fixed in 2.11.4, 3.1.4"
    assert reason.fingerprint == fingerprint("registry.example.org/team/hello", bad)


@pytest.mark.parametrize(
    ("answer", "fixed", "expected"),
    [
        ("fail", (), ["unknown-severity"]),
        ("fail", ("1",), ["unknown-severity"]),
        ("fixable", (), []),
        ("fixable", ("1",), ["unknown-severity"]),
        ("pass", ("1",), []),
    ],
)
def test_unknown_severity(answer: str, fixed: tuple[str, ...], expected: list[str]) -> None:
    bad = scan(finding(level=Level.UNKNOWN, fixed=fixed))
    assert rules(bad, unknown_severity=answer) == expected
    assert rules(bad, severity=None, unknown_severity=answer) == []


def test_only_fixable() -> None:
    bad = scan(finding(fixed=()), finding("CVE-2", fixed=(), fix_state="fixed"), finding("CVE-3"))
    assert len(rules(bad)) == 3
    found = verdict(bad, Policy(only_fixable=True))
    assert [reason.text.split(",")[0] for reason in found.reasons] == [
        "jinja2 3.1.3: CVE-2",
        "jinja2 3.1.3: CVE-3",
    ]


def test_what_does_not_count() -> None:
    excused = [
        finding(vex="not affected"),
        finding("CVE-2", status="fixed"),
        finding("CVE-3", status="not_affected"),
    ]
    assert rules(scan(*excused), severity=Level.NEGLIGIBLE) == []
    assert rules(scan(finding(status="under_investigation"))) == ["severity"]


def test_headers_are_told_apart() -> None:
    bad = scan(finding(component=HEADERS, class_="headers"), outdated=(outdated(HEADERS),))
    found = verdict(bad, Policy())
    assert found.outcome == "pass"
    assert found.notes == ("1 finding is in packages of headers only: they do not count",)
    assert rules(bad, headers=True) == ["severity", "outdated"]


def test_grace() -> None:
    def first_seen(days: float) -> Scan:
        from slipway.scan.times import stamp

        return scan(finding(first_seen=stamp(NOW - days * DAY)))

    assert rules(first_seen(0)) == ["severity"]
    assert rules(first_seen(13.99), grace=14, grace_from="first-seen") == []
    assert rules(first_seen(14), grace=14, grace_from="first-seen") == ["severity"]
    assert verdict(first_seen(4), Policy(grace=14, grace_from="first-seen")).notes == (
        "1 finding is within the days of grace, the first until 2026-12-01",
    )


@pytest.mark.parametrize("time", ["", "no time", "2026-11-22T00:00:00Z", "9999-99-99T99:99:99Z"])
def test_without_a_beginning_there_is_no_grace(time: str) -> None:
    assert rules(scan(finding(first_seen=time)), grace=9999, grace_from="first-seen") == ["severity"]
    assert rules(scan(finding(published=time)), grace=9999, grace_from="published") == ["severity"]


def test_grace_from_the_publication() -> None:
    bad = scan(finding(first_seen="2026-01-01T00:00:00Z", published="2026-11-20T00:00:00+01:00"))
    assert rules(bad, grace=7) == []
    assert rules(bad, grace=7, grace_from="first-seen") == ["severity"]


# -- what is new ---------------------------------------------------------------------------------------------


def test_only_new() -> None:
    newer = replace(JINJA, version="3.1.3.post1", purl="pkg:pypi/jinja2@3.1.3.post1")
    before = scan(finding("GHSA-1", aliases=("CVE-1",)), name="other:0")
    now = scan(finding("CVE-1", newer), finding("CVE-2", newer), finding("CVE-1", SSL))
    assert rules(now, before) == ["severity"] * 3
    found = verdict(now, Policy(only_new=True), before)
    assert [r.text for r in found.reasons] == [
        "libssl3 3.0.8-1: CVE-1, severity high, fixed in 3.1.4; new since the approved scan",
        "jinja2 3.1.3.post1: CVE-2, severity high, fixed in 3.1.4; new since the approved scan",
    ]
    assert rules(now, now, only_new=True) == []


def test_what_was_waived_then_was_not_approved() -> None:
    before = scan(finding(waiver="until then"))
    assert rules(scan(finding()), before, only_new=True) == ["severity"]


def test_without_an_approved_scan_all_is_new() -> None:
    found = verdict(scan(finding()), Policy(only_new=True))
    assert found.outcome == "fail"
    assert found.notes == ("there is no approved scan to compare with: all findings count as new",)


def test_new_severity() -> None:
    before = scan(finding("CVE-1", level=Level.LOW))
    now = scan(finding("CVE-1", level=Level.LOW), finding("CVE-2", level=Level.LOW))
    assert rules(now, before, new_severity=Level.LOW) == ["new-severity"]
    assert rules(now, before, severity=None, new_severity=Level.MEDIUM) == []


# -- packages ------------------------------------------------------------------------------------------------


def test_outdated() -> None:
    bare = scan(outdated=(outdated(),))
    assert rules(bare) == ["outdated"]
    assert rules(bare, outdated="never") == []
    assert rules(bare, unknown_severity="pass") == []
    assert rules(bare, severity=None) == []
    assert rules(bare, severity=None, outdated="always") == ["outdated"]
    assert rules(scan(outdated=(outdated(security=False),)), outdated="always") == []
    assert rules(bare, bare, only_new=True) == []


def test_outdated_where_all_that_it_mends_is_known() -> None:
    low = finding("CVE-2023-0464", SSL, Level.LOW, fixed=("3.0.9-1",))
    full = outdated(ids=("CVE-2023-0464",), completeness="full")
    assert rules(scan(low, outdated=(full,))) == []
    assert rules(scan(low, outdated=(full,)), outdated="always") == ["outdated"]
    assert rules(scan(low, outdated=(replace(full, completeness="truncated"),))) == ["outdated"]
    assert rules(
        scan(
            low,
            outdated=(
                replace(
                    full,
                    ids=("CVE-2023-0464", "CVE-2"),
                ),
            ),
        )
    ) == ["outdated"]
    (reason,) = verdict(scan(outdated=(replace(full, completeness="truncated"),)), Policy()).reasons
    assert (
        reason.text
        == "libssl3 3.0.8-1: bookworm-security has 3.0.9-1, which mends CVE-2023-0464 and maybe more"
    )


def test_outdated_has_the_grace_of_its_findings() -> None:
    some = outdated(ids=("CVE-1", "CVE-2"), completeness="truncated")
    young = finding("CVE-1", SSL, published="2026-11-20T00:00:00Z")
    old = finding("CVE-2", SSL, published="2026-10-20T00:00:00Z")
    assert rules(scan(young, outdated=(some,)), grace=7) == []
    assert rules(scan(young, old, outdated=(some,)), grace=7) == ["severity", "outdated"]
    assert rules(scan(outdated=(some,)), grace=7) == ["outdated"]


def test_no_support() -> None:
    bad = scan(finding("webkit2gtk", SSL, status="no_support", title="no security updates"))
    assert rules(bad) == ["no-support?"]
    assert rules(bad, no_support="fail") == ["no-support"]
    assert rules(bad, no_support="allow") == []


def test_where_there_are_no_packages_nobody_knows() -> None:
    bare = Scan(Inventory("static:1"))
    assert rules(bare) == ["uncovered?"]
    assert rules(bare, uncovered="fail") == ["uncovered"]
    assert rules(bare, uncovered="allow") == []
    assert rules(replace(bare, findings=(finding(level=Level.LOW),))) == []


def test_uncovered() -> None:
    why = "no advisories for npm have been fetched"
    many = tuple(Uncovered(Component("npm", f"p{n:02}", "1", ""), why) for n in range(10))
    bad = scan(uncovered=(*many, Uncovered(SSL, "it is a backport")))
    assert rules(bad) == ["uncovered?", "uncovered?"]
    assert rules(bad, uncovered="fail") == ["uncovered", "uncovered"]
    assert rules(bad, uncovered="allow") == []
    assert [reason.text for reason in verdict(bad, Policy()).reasons] == [
        "nothing can be known of libssl3 3.0.8-1: it is a backport",
        f"nothing can be known of p00 1, p01 1, p02 1, p03 1, p04 1, p05 1, p06 1, p07 1 and 2 more: {why}",
    ]


# -- what could not be told -----------------------------------------------------------------------------------

LAX = Policy(None, "pass", outdated="never", uncovered="allow", no_support="allow")


def test_incomplete_is_never_a_pass() -> None:
    bad = scan(problems=("no network",))
    unread = replace(scan(), inventory=replace(scan().inventory, unread=("a damaged database",)))
    for each in (bad, unread):
        assert verdict(each, LAX).outcome == "unknown"
        assert [r.rule for r in verdict(each, LAX).reasons] == ["incomplete"]
    found = verdict(replace(bad, findings=(finding(),)), Policy())
    assert found.outcome == "fail", "what is known to be bad is worse"
    assert [r.outcome for r in found.reasons] == ["fail", "unknown"]


def test_old_feeds() -> None:
    def fed(*dates: str) -> Scan:
        return scan(feeds=tuple(Feed("osv:PyPI", "", date) for date in dates))

    assert rules(fed("2026-11-20T08:00:00Z"), feeds_age=1) == []
    assert rules(fed("2026-11-20T07:59:59Z"), feeds_age=1) == ["feeds-age?"]
    assert rules(fed("2026-11-21T08:00:00Z", ""), feeds_age=1) == ["feeds-age?"]
    assert rules(fed("2099-01-01T00:00:00Z"), feeds_age=1) == ["feeds-age?"]
    assert rules(fed(), feeds_age=1) == ["feeds-age?"]
    assert rules(fed("2000-01-01T00:00:00Z")) == []


def test_several_images() -> None:
    good, bad = Judged(scan(), Verdict("pass")), Judged(scan(), Verdict("fail"))
    open_, none = Judged(scan(), Verdict("unknown")), Judged(scan())
    assert overall([good, open_, bad]) == "fail"
    assert overall([good, open_]) == "unknown"
    assert overall([good, none]) == "pass"
    assert overall([good, Judged(scan(problems=("x",)))]) == "unknown"


# -- the short form, and data ---------------------------------------------------------------------------------


def test_fail_on() -> None:
    assert simple(Level.CRITICAL, fixable_only=True) == Policy(Level.CRITICAL, only_fixable=True)
    unrated = scan(finding(level=Level.UNKNOWN, fixed=()))
    assert verdict(unrated, simple(Level.NEGLIGIBLE)).outcome == "fail"
    assert verdict(unrated, simple(Level.LOW)).outcome == "pass"


def test_verdicts_as_data() -> None:
    result = verdict(scan(finding(), problems=("x",)), Policy(waivers=(waiver("CVE-9"),)))
    assert result.notes
    assert document.read(document.written(result)) == result


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"outcome": "fine", "reasons": [], "notes": []},
        {"outcome": "pass", "reasons": [1], "notes": []},
        {"outcome": "pass", "reasons": [], "notes": "x"},
        {"outcome": "pass", "reasons": [{"rule": "r", "text": "t", "outcome": "pass"}], "notes": []},
    ],
)
def test_damaged_data(data: object) -> None:
    with pytest.raises(InputError, match="damaged"):
        document.read(data)


def test_the_same_twice_is_said_once() -> None:
    twice = [finding(component=replace(JINJA, path=path)) for path in ("a", "b")]
    assert rules(scan(*twice)) == ["severity"]
    assert isinstance(twice[0], Finding)
