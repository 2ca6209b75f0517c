"""What holds of every scan, policy and waiver."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from slipway.scan.model import Feed, Finding, Level, Outdated, Scan, Severity, Status, Uncovered
from slipway.scan.policy import cdxvex
from slipway.scan.policy.api import excuse, judged
from slipway.scan.policy.model import OnOutdated, Policy, Since, Statement, Unclear, Unrated, Verdict, Waiver
from tests.scan.policy.kit import HEADERS, JINJA, NOW, SSL
from tests.scan.policy.kit import scan as empty

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMES = st.sampled_from(["", "2026-11-20T00:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "never"])
DAYS = st.sampled_from(["2026-01-01", "2026-11-20", "2026-11-21", "2026-11-30", "2027-12-31"])
IDS = st.sampled_from(["CVE-1", "CVE-2", "GHSA-1", "GHSA-2"])
COMPONENTS = st.sampled_from([JINJA, SSL, HEADERS])
FINDINGS = st.builds(
    Finding,
    IDS,
    COMPONENTS,
    st.sampled_from(get_args(Status)),
    aliases=st.lists(IDS, max_size=2).map(tuple),
    fixed=st.sampled_from([(), ("9",)]),
    severity=st.builds(Severity, st.sampled_from(Level)),
    class_=st.sampled_from(["", "headers"]),
    first_seen=TIMES,
    published=TIMES,
    waiver=st.sampled_from(["", "of old"]),
)
OUTDATED = st.builds(
    Outdated,
    COMPONENTS,
    st.just("9"),
    st.sampled_from(["bookworm", "bookworm-security"]),
    st.booleans(),
    st.lists(IDS, max_size=2).map(tuple),
    st.sampled_from(["full", "truncated", "none"]),
)
UNCOVERED = st.builds(Uncovered, COMPONENTS, st.sampled_from(["why", "because"]))
FEEDS = st.builds(Feed, st.sampled_from(["a", "b"]), st.just(""), TIMES)
WAIVERS = st.builds(
    Waiver,
    st.one_of(IDS, st.sampled_from(["outdated", "uncovered", "no-support"])),
    st.sampled_from(["one", "two"]),
    st.just("ann"),
    DAYS,
    st.sampled_from(["", "jinja2", "openssl"]),
    st.sampled_from(["", "registry.example.org/team/hello", "other"]),
    st.sampled_from(["w:1", "w:2"]),
    st.sampled_from(["", "2026-11-01", "2026-11-25"]),
)
STATEMENTS = st.builds(
    Statement,
    st.lists(IDS, min_size=1, max_size=2).map(tuple),
    st.sampled_from(["affected", "fixed", "not_affected", "under_investigation"]),
    st.sampled_from([(), ("pkg:oci/hello",), ("pkg:oci/other",)]),
    st.sampled_from([(), (JINJA.purl,)]),
    note=st.sampled_from(["", "said"]),
    time=st.sampled_from(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]),
)
LEVELS = st.one_of(st.none(), st.sampled_from([level for level in Level if level]))
POLICIES = st.builds(
    Policy,
    LEVELS,
    st.sampled_from(get_args(Unrated)),
    st.booleans(),
    st.booleans(),
    LEVELS,
    st.sampled_from([0, 7]),
    st.sampled_from(get_args(Since)),
    st.sampled_from(get_args(OnOutdated)),
    st.sampled_from(get_args(Unclear)),
    st.sampled_from(get_args(Unclear)),
    st.booleans(),
    st.sampled_from([0, 3]),
    waivers=st.lists(WAIVERS, max_size=3).map(tuple),
    statements=st.lists(STATEMENTS, max_size=3).map(tuple),
)
SCANS = st.builds(
    lambda *parts: replace(
        empty(), **dict(zip(("findings", "outdated", "uncovered", "feeds"), parts, strict=True))
    ),
    *(st.lists(each, max_size=4).map(tuple) for each in (FINDINGS, OUTDATED, UNCOVERED, FEEDS)),
)
WORSE = {"pass": 0, "unknown": 1, "fail": 2}


def verdict(scan: Scan, policy: Policy, approved: Scan | None) -> Verdict:
    found = judged(scan, policy=policy, approved=approved, now=NOW).verdict
    assert found is not None
    return found


def bare(verdict: Verdict) -> set[tuple[str, str, str]]:
    """Its reasons without what is said of waivers that have ended, and with each of several packages for itself."""
    found: set[tuple[str, str, str]] = set()
    for reason in verdict.reasons:
        text = reason.text.partition("; its waiver")[0]
        start, several, cause = text.partition(": ")
        head, of, names = start.partition("nothing can be known of ")
        texts = (
            [f"{of}{name}: {cause}" for name in names.split(", ")] if of and several and not head else [text]
        )
        found |= {(reason.rule, reason.outcome, each) for each in texts}
    return found


APPROVED = st.one_of(st.none(), SCANS)


@given(SCANS, POLICIES, APPROVED, st.sampled_from(["problem", "unread"]))
def test_what_is_not_complete_never_passes(
    scan: Scan, policy: Policy, approved: Scan | None, what: str
) -> None:
    before = verdict(scan, policy, approved)
    if what == "problem":
        scan = replace(scan, problems=("no network",))
    else:
        scan = replace(scan, inventory=replace(scan.inventory, unread=("damaged",)))
    after = verdict(scan, policy, approved)
    assert after.outcome == ("fail" if before.outcome == "fail" else "unknown")
    assert bare(before) <= bare(after)


@given(SCANS, POLICIES, APPROVED)
def test_the_outcome_is_that_of_the_worst_reason(scan: Scan, policy: Policy, approved: Scan | None) -> None:
    found = verdict(scan, policy, approved)
    worst = max((WORSE[reason.outcome] for reason in found.reasons), default=0)
    assert WORSE[found.outcome] == worst
    assert [WORSE[r.outcome] for r in found.reasons] == sorted(
        (WORSE[r.outcome] for r in found.reasons), reverse=True
    )


@given(SCANS, POLICIES, APPROVED, WAIVERS)
def test_a_waiver_takes_away_what_it_is_for_and_nothing_else(
    scan: Scan, policy: Policy, approved: Scan | None, waiver: Waiver
) -> None:
    before = judged(scan, policy=policy, approved=approved, now=NOW)
    more = replace(policy, waivers=(*policy.waivers, waiver))
    after = judged(scan, policy=more, approved=approved, now=NOW)
    assert before.verdict is not None
    assert after.verdict is not None
    assert WORSE[after.verdict.outcome] <= WORSE[before.verdict.outcome]
    holds = waiver.since <= "2026-11-21" <= waiver.expires and waiver.image != "other"
    packages = {"": {"jinja2", "libssl3", "linux-libc-dev"}, "jinja2": {"jinja2"}, "openssl": {"libssl3"}}
    for old, new in zip(before.scan.findings, after.scan.findings, strict=True):
        names = {old.id, *old.aliases} | ({"no-support"} if old.status == "no_support" else set())
        meant = holds and waiver.id in names and old.component.name in packages[waiver.package]
        if old.open and not new.open:
            assert meant
        if meant:
            assert new.waiver
        if not meant:
            assert (new.open, new.waiver, new.vex) == (old.open, old.waiver, old.vex)
    if not holds:
        assert bare(after.verdict) == bare(before.verdict)
    gone = {text for _, _, text in bare(before.verdict) - bare(after.verdict)}
    if waiver.package and waiver.id != "uncovered":
        assert all(any(f"{name} " in text for name in packages[waiver.package]) for text in gone)


SPANS = {  # of jinja2 3.1.3: whether it is within; None: nobody can tell
    "vers:pypi/>=3|<4": True,
    "vers:pypi/3.1.3.0": True,
    "vers:pypi/<3|>3.1.3": False,
    "vers:pypi/!=3.1.3|>1": False,
    "vers:generic/>=3|<4": None,
    "vers:deb/>=3|<4": None,
    "nonsense": None,
}
ROWS = st.lists(
    st.tuples(st.sampled_from(sorted(SPANS)), st.sampled_from(["affected", "unaffected", "unknown"])),
    min_size=1,
    max_size=4,
)


def excused(rows: Sequence[tuple[str, str]], state: str = "not_affected") -> bool:
    versions = [{"range": span, "status": status} for span, status in rows]
    analysis = {"state": state, "detail": "said"}
    vex = {
        "specVersion": "1.6",
        "vulnerabilities": [
            {"id": "CVE-1", "analysis": analysis, "affects": [{"ref": JINJA.purl, "versions": versions}]}
        ],
    }
    here = replace(empty(), findings=(Finding("CVE-1", JINJA),))
    (found,) = excuse(here, (), cdxvex.statements(vex, "v.json"), now=NOW).findings
    return not found.open


@given(ROWS, st.sampled_from(["not_affected", "resolved", "exploitable", "in_triage"]))
def test_a_version_is_excused_where_it_is_well_and_nothing_else_is_said(
    rows: list[tuple[str, str]], state: str
) -> None:
    well = any(SPANS[span] and status == "unaffected" for span, status in rows)
    ill = any(SPANS[span] is not False and status != "unaffected" for span, status in rows)
    assert excused(rows, state) is (well and not ill)


@given(ROWS, st.data())
def test_less_that_can_be_told_never_excuses_more(rows: list[tuple[str, str]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    less = [*rows[:place], ("vers:generic/1", rows[place][1]), *rows[place + 1 :]]
    assert not excused(less) or excused(rows)


@given(SCANS, POLICIES, APPROVED, st.randoms(use_true_random=False))
def test_no_order_matters(
    scan: Scan,
    policy: Policy,
    approved: Scan | None,
    random: st.random.Random,  # type: ignore[name-defined]
) -> None:
    def shuffled(items: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(random.sample(list(items), len(items)))

    other = replace(
        scan,
        findings=shuffled(scan.findings),
        outdated=shuffled(scan.outdated),
        uncovered=shuffled(scan.uncovered),
        feeds=shuffled(scan.feeds),
    )
    another = replace(policy, waivers=shuffled(policy.waivers), statements=shuffled(policy.statements))
    assert verdict(other, another, approved) == verdict(scan, policy, approved)


@given(SCANS, POLICIES, APPROVED, FINDINGS)
def test_one_more_finding_never_makes_it_better(
    scan: Scan, policy: Policy, approved: Scan | None, finding: Finding
) -> None:
    """But for what it tells of an outdated package: since when it counts, and that all is known."""
    scan = replace(scan, outdated=())
    more = replace(scan, findings=(*scan.findings, finding))
    assert WORSE[verdict(more, policy, approved).outcome] >= WORSE[verdict(scan, policy, approved).outcome]
