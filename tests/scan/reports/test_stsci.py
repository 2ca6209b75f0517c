"""The YAML of image-scan-report, of scans of ours: its fields, and that it never says OK of what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from slipway.scan import reports
from slipway.scan.model import (
    Component,
    Feed,
    Finding,
    FixState,
    Inventory,
    Level,
    Outdated,
    Scan,
    Severity,
    Status,
    System,
    Uncovered,
)
from slipway.scan.policy.model import Judged, Verdict
from slipway.scan.reports import stsci
from tests.scan.reports import kit

LIBA = Component("deb", "liba", "1.2-1", "pkg:deb/ubuntu/liba@1.2-1")
JAMMY = System("ubuntu", "22.04", "jammy")
TIME = "2026-11-21T08:00:00Z"


def finding(level: Level = Level.HIGH, name: str = "CVE-2023-1", **more: Any) -> Finding:
    return Finding(name, LIBA, severity=Severity(level), **more)


def scan(*findings: Finding, name: str = "registry.example.org:5000/team/tike:1", **more: Any) -> Scan:
    feeds = (Feed("ubuntu", "", "2026-11-20T00:00:00Z"), Feed("osv:PyPI", "", "2026-11-19T00:00:00Z"))
    return Scan(
        Inventory(name, kit.DIGEST, system=JAMMY, components=(LIBA,)),
        findings,
        feeds=feeds,
        time=TIME,
        **more,
    )


def document(*scans: Scan, least: Level = Level.UNKNOWN) -> dict[str, Any]:
    (found,) = yaml.safe_load_all(stsci.render([Judged(each) for each in scans], least=least))
    assert isinstance(found, dict)
    return found


def test_every_field() -> None:
    severity = Severity(Level.HIGH, 7.5, "AV:N/AC:L/Au:N/C:P/I:P/A:P", "ecr", "HIGH")
    one = replace(
        finding(),
        severity=severity,
        description="Two\nlines.",
        urls=("https://ubuntu.com/security/CVE-2023-1",),
        fixed=("1.2-2",),
    )
    assert document(scan(one)) == {
        "imageId": {"imageDigest": kit.DIGEST, "imageTag": "1"},
        "imageScanFindings": {
            "findingSeverityCounts": {"HIGH": 1},
            "findings": [
                {
                    "name": "CVE-2023-1",
                    "severity": "HIGH",
                    "uri": "https://ubuntu.com/security/CVE-2023-1",
                    "description": "Two\nlines.",
                    "attributes": [
                        {"key": "package_name", "value": "liba"},
                        {"key": "package_version", "value": "1.2-1"},
                        {"key": "CVSS2_VECTOR", "value": "AV:N/AC:L/Au:N/C:P/I:P/A:P"},
                        {"key": "CVSS2_SCORE", "value": "7.5"},
                    ],
                    "cve_status": "CVE-2023-1 -- HIGH -- jammy -- Released",
                }
            ],
            "imageScanCompletedAt": TIME,
            "vulnerabilitySourceUpdatedAt": "2026-11-19T00:00:00Z",
        },
        "imageScanStatus": {"status": "COMPLETE", "description": "The scan is complete."},
        "overall_status": "FAILED",
        "registryId": "registry.example.org:5000",
        "repositoryName": "team/tike",
    }


@pytest.mark.parametrize(
    ("status", "state", "fixed", "word"),
    [
        ("affected", "fixed", ("1.2-2",), "Released"),
        ("affected", "unknown", ("1.2-2",), "Released"),
        ("affected", "not-fixed", (), "Needed"),
        ("affected", "deferred", (), "Deferred"),
        ("affected", "wont-fix", (), "Ignored"),
        ("affected", "unknown", (), "unknown"),
        ("under_investigation", "unknown", (), "Needs triage"),
        ("not_affected", "unknown", (), "Not affected"),
        ("fixed", "fixed", (), "Fixed"),
        ("no_support", "unknown", (), "Ignored"),
    ],
)
def test_what_the_distribution_says(
    status: Status, state: FixState, fixed: tuple[str, ...], word: str
) -> None:
    found = document(scan(finding(status=status, fix_state=state, fixed=fixed)))
    (row,) = found["imageScanFindings"]["findings"]
    assert row["cve_status"] == f"CVE-2023-1 -- HIGH -- jammy -- {word}"


@pytest.mark.parametrize(
    ("system", "word"),
    [
        (JAMMY, "jammy"),
        (System("debian", "12"), "bookworm"),
        (System("alpine", "3.20"), "alpine-3.20"),
        (System(), "unknown"),
    ],
)
def test_the_release(system: System, word: str) -> None:
    one = scan(finding())
    found = document(replace(one, inventory=replace(one.inventory, system=system)))
    assert (
        found["imageScanFindings"]["findings"][0]["cve_status"] == f"CVE-2023-1 -- HIGH -- {word} -- unknown"
    )


@pytest.mark.parametrize(
    ("level", "word", "overall"),
    [
        (Level.CRITICAL, "CRITICAL", "FAILED"),
        (Level.HIGH, "HIGH", "FAILED"),
        (Level.MEDIUM, "MEDIUM", "OK"),
        (Level.LOW, "LOW", "OK"),
        (Level.NEGLIGIBLE, "INFORMATIONAL", "OK"),
        (Level.UNKNOWN, "UNDEFINED", "OK"),
    ],
)
def test_levels(level: Level, word: str, overall: str) -> None:
    found = document(scan(finding(level)))
    assert found["imageScanFindings"]["findingSeverityCounts"] == {word: 1}
    assert found["imageScanFindings"]["findings"][0]["severity"] == word
    assert found["overall_status"] == overall


def test_a_fix_for_something_of_which_nobody_says_how_bad_it_is() -> None:
    """Where the feed is the distribution's suites, no severity is known."""
    assert document(scan(finding(Level.UNKNOWN, fixed=("1.2-2",))))["overall_status"] == "FAILED"


def test_what_is_listed_and_what_is_counted() -> None:
    """The counts are of all, as they were; what is of no known severity may be bad, so it is always listed."""
    rows = [finding(level, f"CVE-2023-{int(level)}") for level in Level]
    found = document(scan(*rows), least=Level.HIGH)["imageScanFindings"]
    assert [row["severity"] for row in found["findings"]] == ["CRITICAL", "HIGH", "UNDEFINED"]
    assert sum(found["findingSeverityCounts"].values()) == len(Level)
    assert document(scan(*rows), least=Level.CRITICAL)["overall_status"] == "FAILED"
    all_of_them = document(scan(*rows))["imageScanFindings"]["findings"]
    assert [row["severity"] for row in all_of_them] == [
        "CRITICAL",
        "HIGH",
        "MEDIUM",
        "LOW",
        "INFORMATIONAL",
        "UNDEFINED",
    ]


def test_what_is_excused_is_listed_and_does_not_count() -> None:
    found = document(
        scan(finding(waiver="not used (me, until 2027-01-01)"), finding(name="CVE-2023-2", vex="fixed"))
    )
    assert [(row.get("waiver"), row.get("vex")) for row in found["imageScanFindings"]["findings"]] == [
        ("not used (me, until 2027-01-01)", None),
        (None, "fixed"),
    ]
    assert found["overall_status"] == "OK"


@pytest.mark.parametrize(
    "changes",
    [
        {"problems": ("no advisories for PyPI have been fetched",)},
        {"uncovered": (Uncovered(LIBA, "no feed knows it"),)},
        {"outdated": (Outdated(LIBA, "1.2-2", "jammy-security", security=True),)},
    ],
)
def test_what_nobody_can_tell_is_not_ok(changes: dict[str, Any]) -> None:
    found = document(scan(**changes))
    assert found["overall_status"] == "FAILED"
    assert found["overall_reasons"]


def test_a_scan_that_is_not_complete_says_why() -> None:
    found = document(scan(problems=("one is missing", "and: two")))
    assert found["imageScanStatus"] == {"status": "FAILED", "description": "one is missing; and: two"}
    assert document(Scan(Inventory("gone:1"), problems=("it is gone",)))["overall_status"] == "FAILED"


@pytest.mark.parametrize(("outcome", "word"), [("pass", "OK"), ("fail", "FAILED"), ("unknown", "FAILED")])
def test_a_verdict_counts_before_our_own_rule(outcome: Any, word: str) -> None:
    text = stsci.render([Judged(scan(finding(Level.CRITICAL)), Verdict(outcome))])
    assert yaml.safe_load(text)["overall_status"] == word


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hello", ("", "hello", None)),
        ("hello:1", ("", "hello", "1")),
        ("docker:hello:1", ("", "hello", "1")),
        ("docker-archive:/tmp/hello.tar", ("", "docker-archive:/tmp/hello.tar", None)),
        ("localhost/hello:1", ("localhost", "hello", "1")),
        ("team/hello", ("", "team/hello", None)),
        (f"registry:5000/hello@{kit.DIGEST}", ("registry:5000", "hello", None)),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b:1", ("123456789012", "a/b", "1")),
    ],
)
def test_names(name: str, expected: tuple[str, str, str | None]) -> None:
    found = document(scan(name=name))
    assert (found["registryId"], found["repositoryName"], found["imageId"].get("imageTag")) == expected


def test_a_document_for_each_image() -> None:
    text = reports.render("stsci", [kit.FAILED, kit.UNREAD, kit.WELL])
    assert [found["overall_status"] for found in yaml.safe_load_all(text)] == ["FAILED", "FAILED", "OK"]
    assert stsci.render([kit.WELL, kit.FAILED]) == stsci.render([kit.WELL, kit.FAILED])


def test_hostile_words_stay_where_they_are() -> None:
    text = stsci.render([kit.FAILED])
    assert "\x1b" not in text
    (found,) = yaml.safe_load_all(text)
    assert set(found) - {"overall_reasons"} == set(document(scan()))
    evil = next(row for row in found["imageScanFindings"]["findings"] if "evil" in row["name"])
    assert "uri" not in evil


def test_each_value_is_on_its_own_line() -> None:
    """People search the text for cve, description and uri."""
    text = stsci.render([Judged(scan(finding(description="word " * 100)))])
    (line,) = [line for line in text.splitlines() if "description: 'word" in line]
    assert line.count("word") == 100
