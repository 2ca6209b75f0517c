"""Waivers and VEX: whom they excuse, for how long, and whom not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slipway.scan.model import Component, Outdated, Scan, Uncovered
from slipway.scan.policy.api import excuse, judged
from slipway.scan.policy.model import Policy, Statement, Waiver
from tests.scan.policy.kit import DIGEST, JINJA, NOW, SSL, finding, scan, statement, waiver


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def passes(result: Scan, *waivers: Waiver, now: float = NOW) -> bool:
    found = judged(result, policy=Policy(waivers=waivers), now=now).verdict
    assert found is not None
    return found.outcome == "pass"


def notes(result: Scan, *waivers: Waiver, now: float = NOW) -> tuple[str, ...]:
    found = judged(result, policy=Policy(waivers=waivers), now=now).verdict
    assert found is not None
    return found.notes


def told(result: Scan, *statements: Statement) -> str:
    return excuse(result, (), statements, now=NOW).findings[0].vex


# -- waivers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "good"),
    [
        ("2026-11-01T00:00:00", False),
        ("2026-11-02T00:00:00", True),
        ("2026-12-31T23:59:59", True),
        ("2027-01-01T00:00:00", False),
    ],
)
def test_both_days_are_inclusive(now: str, good: bool) -> None:
    one = waiver(since="2026-11-02", expires="2026-12-31")
    assert passes(scan(finding()), one, now=at(now)) is good


def test_the_finding_says_who_and_until_when() -> None:
    found = excuse(scan(finding()), [waiver()], (), now=NOW).findings[0]
    assert found.waiver == "nobody can reach it (ann, until 2026-12-31)"
    assert not found.open


def test_an_ended_waiver_is_told() -> None:
    verdict = judged(scan(finding()), policy=Policy(waivers=(waiver(expires="2026-11-20"),)), now=NOW).verdict
    assert verdict is not None
    assert verdict.reasons[0].text.endswith("; its waiver ended on 2026-11-20 (w.yaml:1)")
    assert verdict.notes == ("the waiver of CVE-2024-34064 (w.yaml:1) ended on 2026-11-20",)


def test_one_that_was_waived_before_is_not_for_ever() -> None:
    assert not passes(scan(finding(waiver="in an older report")))


@pytest.mark.parametrize(
    ("given", "good"),
    [
        (waiver("ghsa-H75V-3vvj-5mfj"), True),
        (waiver("cve-2024-34064"), True),
        (waiver("CVE-2024-3406"), False),
        (waiver(package="jinja2"), True),
        (waiver(package="jinja"), False),
        (waiver(image="registry.example.org/team/hello"), True),
        (waiver(image="registry.example.org/team/hell"), False),
        (waiver(image="team/hello"), False),
    ],
)
def test_whom_it_is_for(given: Waiver, good: bool) -> None:
    assert passes(scan(finding(aliases=("GHSA-h75v-3vvj-5mfj",))), given) is good


def test_a_source_package() -> None:
    assert passes(scan(finding(component=SSL)), waiver(package="openssl"))


def test_the_rest_still_fails() -> None:
    assert not passes(scan(finding(), finding("CVE-2")), waiver())


def test_packages_are_waived_by_rule() -> None:
    old = scan(outdated=(Outdated(SSL, "2", "bookworm-security", security=True),))
    assert not passes(old, waiver("CVE-2024-34064"))
    assert passes(old, waiver("outdated", package="openssl"))
    assert not passes(old, waiver("outdated", package="jinja2"))
    foreign = scan(uncovered=(Uncovered(JINJA, "it is from elsewhere"),))
    assert passes(foreign, waiver("uncovered", package="jinja2"))
    assert not passes(foreign, waiver("uncovered", package="jinja2", expires="2026-01-01"))
    assert passes(scan(finding("x", SSL, status="no_support")), waiver("no-support", package="libssl3"))


def test_notes() -> None:
    bad = scan(finding())
    assert notes(bad, waiver(expires="2026-12-06")) == ()
    assert notes(bad, waiver(expires="2026-12-05")) == (
        "the waiver of CVE-2024-34064 (w.yaml:1) ends on 2026-12-05; ann answers for it",
    )
    assert notes(bad, waiver(), waiver("CVE-9", package="x")) == (
        "the waiver of CVE-9 in x (w.yaml:1) excuses nothing",
    )
    assert notes(bad, waiver(), waiver("CVE-9", image="another")) == ()


def test_no_waiver_passes_what_is_not_complete() -> None:
    assert not passes(scan(finding(), problems=("no network",)), waiver())


# -- statements ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "good"),
    [
        (f"pkg:oci/hello@{DIGEST.replace(':', '%3A')}", True),
        (f"pkg:oci/hello@{DIGEST}?repository_url=elsewhere.example.org/hello", True),
        (f"pkg:oci/hello@sha256%3A{'b' * 64}", False),
        ("pkg:oci/hello", True),
        ("pkg:oci/other", False),
        ("pkg:oci/hello?repository_url=registry.example.org/team/hello&tag=1&arch=amd64", True),
        ("pkg:oci/hello?repository_url=registry.example.org/hello", False),
        ("pkg:oci/hello?tag=2", False),
        ("pkg:oci/hello?arch=arm64", False),
        ("pkg:oci/hello?colour=red", False),
        (DIGEST, True),
        ("sha256:" + "b" * 64, False),
        ("registry.example.org/team/hello", True),
        ("registry.example.org/team/hello:1", True),
        ("registry.example.org/team/hello:2", False),
        (f"anything@{DIGEST}", True),
        ("pkg:pypi/jinja2", True),
        ("pkg:pypi/jinja2@3.1.3", True),
        ("pkg:pypi/jinja2@3.1.2", False),
        ("pkg:npm/jinja2", False),
        ("pkg:::", False),
        ("https://example.org/product", False),
        ("", False),
    ],
)
def test_products(product: str, good: bool) -> None:
    assert bool(told(scan(finding()), statement(product))) is good


def test_without_a_digest_no_digest_is_ours() -> None:
    here = replace(scan(finding()), inventory=replace(scan().inventory, digest=""))
    assert told(here, statement("pkg:oci/hello"))
    assert not told(here, statement(DIGEST))
    assert not told(here, statement("other@"))


@pytest.mark.parametrize(
    ("purl", "good"),
    [
        ("pkg:deb/debian/libssl3", True),
        ("pkg:deb/debian/libssl3@3.0.8-1", True),
        ("pkg:deb/debian/libssl3@3.0.8-2", False),
        ("pkg:deb/debian/libssl3?distro=debian-12", True),
        ("pkg:deb/debian/libssl3?distro=debian-13", False),
        ("pkg:deb/debian/libssl3?arch=arm64", False),
        ("pkg:deb/ubuntu/libssl3", False),
        ("pkg:deb/debian/openssl", False),
        ("pkg:deb/debian/openssl?arch=source", True),
        ("pkg:deb/debian/openssl@3.0.8-1?arch=source", True),
        ("pkg:deb/debian/openssl@3.0.9-1?arch=source", False),
        ("not a purl", False),
    ],
)
def test_components(purl: str, good: bool) -> None:
    assert bool(told(scan(finding(component=SSL)), statement(components=(purl,)))) is good
    assert not told(scan(finding(component=SSL)), statement("pkg:oci/other", components=(purl,)))


@pytest.mark.parametrize(
    ("status", "good"),
    [("not_affected", True), ("fixed", True), ("under_investigation", False), ("affected", False)],
)
def test_statuses(status: str, good: bool) -> None:
    assert bool(told(scan(finding()), statement(status=status))) is good


def test_the_latest_counts() -> None:
    early = statement(time="2026-01-01T00:00:00Z")
    late = statement(status="affected", time="2026-02-01T00:00:00Z")
    for both in ((early, late), (late, early)):
        assert not told(scan(finding(vex="said before")), *both)
    assert told(scan(finding()), replace(early, time="2026-03-01T00:00:00Z"), late)
    assert not told(scan(finding()), early, replace(late, time=early.time)), "of equals the stricter"
    assert told(scan(finding()), early, replace(late, products=("pkg:oci/other",)))


def test_by_any_name() -> None:
    here = scan(finding(aliases=("GHSA-1",)))
    assert told(here, statement(ids=("PYSEC-1", "ghsa-1")))
    assert not told(here, statement(ids=("PYSEC-1",)))


def test_what_is_said() -> None:
    one = replace(statement(), note="not\nreachable", author="ann")
    assert told(scan(finding()), one) == "not affected: not reachable (ann)"
    assert told(scan(finding()), statement()) == "not affected: component not present"
    assert told(scan(finding(vex="kept"))) == "kept"


def test_a_package_of_another_kind() -> None:
    odd = Component("generic", "x", "1", "")
    assert not told(scan(finding(component=odd)), statement("pkg:generic/x"))
