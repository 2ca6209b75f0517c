"""SARIF: weaknesses of packages among whatever else a log may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError
from slipway.scan.model import Feed, Level
from tests.scan.adapters.kit import read

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (
    "Package: libssl3\nInstalled Version: 3.0.8-1\nVulnerability CVE-2023-0464\nSeverity: HIGH\n"
    "Fixed Version: 3.0.9-1\nLink: [CVE-2023-0464](https://example.org)"
)
RULE = {
    "id": "CVE-2023-0464",
    "name": "OsPackageVulnerability",
    "shortDescription": {"text": "openssl: policies cost too much"},
    "fullDescription": {"text": "Policies\ncost too much."},
    "helpUri": "https://example.org/cve-2023-0464",
    "properties": {"tags": ["vulnerability", "security", "HIGH"], "security-severity": "7.5"},
}


def result(rule: str = "CVE-2023-0464", text: str = TEXT, **more: Any) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": "team/hello"}}}
    return {"ruleId": rule, "level": "error", "message": {"text": text}, "locations": [place], **more}


def log(*results: Any, rules: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    driver = {"name": "Trivy", "version": "0.70.0", "rules": [RULE] if rules is None else rules}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **more}]}


def test_what_trivy_writes(tmp_path: Path) -> None:
    about = {"imageName": "team/hello:1", "repoTags": ["team/hello:1"], "imageID": "sha256:" + "c" * 64}
    imported = read(tmp_path, log(result(ruleIndex=0), properties=about))
    assert (imported.format, imported.feed) == ("sarif", Feed("trivy", "0.70.0"))
    assert (imported.names, imported.image_id) == (("team/hello:1",), about["imageID"])
    (finding,) = imported.findings
    assert (finding.id, finding.fixed, finding.provenance) == (
        "CVE-2023-0464",
        ("3.0.9-1",),
        ("trivy 0.70.0",),
    )
    assert (finding.component.kind, finding.component.name, finding.component.version) == (
        "generic",
        "libssl3",
        "3.0.8-1",
    )
    assert (finding.severity.level, finding.severity.score) == (Level.HIGH, 7.5)
    assert finding.title == "openssl: policies cost too much"
    assert finding.urls == ("https://example.org/cve-2023-0464",)


def test_what_grype_writes(tmp_path: Path) -> None:
    rule = {
        "id": "CVE-2023-0464-libssl3",
        "help": {
            "text": "Vulnerability CVE-2023-0464\nPackage: libssl3\nVersion: 3.0.8-1\nFix Version: 3.0.9-1"
        },
        "properties": {"security-severity": "9.1"},
    }
    text = "The path /x reports libssl3 at version 3.0.8-1  which is a vulnerable (deb) package installed in the container"
    (finding,) = read(tmp_path, log(result("CVE-2023-0464-libssl3", text), rules=[rule])).findings
    assert (finding.id, finding.fixed) == ("CVE-2023-0464", ("3.0.9-1",))
    assert (finding.component.kind, finding.component.name) == ("deb", "libssl3")
    assert finding.severity.level is Level.CRITICAL


@pytest.mark.parametrize("where", ["properties", "logical"])
def test_a_purl_counts_most(tmp_path: Path, where: str) -> None:
    purl = "pkg:deb/debian/libssl3@3.0.8-1?arch=amd64"
    more: dict[str, Any] = {"properties": {"purl": purl}}
    if where == "logical":
        more = {"locations": [{"logicalLocations": [{"fullyQualifiedName": purl}]}]}
    (finding,) = read(tmp_path, log(result("SNYK-DEBIAN12-OPENSSL-1", "x", **more), rules=[])).findings
    assert (finding.id, finding.component.kind, finding.component.version) == (
        "SNYK-DEBIAN12-OPENSSL-1",
        "deb",
        "3.0.8-1",
    )


def test_without_a_package_it_is_about_the_file(tmp_path: Path) -> None:
    (finding,) = read(tmp_path, log(result(text="something"))).findings
    assert (finding.component.kind, finding.component.name) == ("generic", "team/hello")


def test_what_is_no_weakness_of_a_package_is_counted_apart(tmp_path: Path) -> None:
    results = [result(), result("B105", "a password"), result("DS002", "a user")]
    imported = read(tmp_path, log(*results))
    assert len(imported.findings) == 1
    assert imported.others == (("result about something else", 2),)


def test_passed_and_absent_results_are_no_findings(tmp_path: Path) -> None:
    results = [result(kind="pass"), result(kind="notApplicable"), result(baselineState="absent")]
    assert read(tmp_path, log(*results)).findings == ()


@pytest.mark.parametrize(
    ("suppressions", "waiver"),
    [
        ([{"kind": "external", "justification": "not used"}], "suppressed in the report: not used"),
        ([{"kind": "inSource", "status": "accepted"}], "suppressed in the report"),
        ([{"kind": "external", "status": "underReview"}], ""),
        ([{"kind": "external"}, {"kind": "external", "status": "rejected"}], ""),
        ([], ""),
    ],
)
def test_suppressions(tmp_path: Path, suppressions: list[Any], waiver: str) -> None:
    (finding,) = read(tmp_path, log(result(suppressions=suppressions))).findings
    assert (finding.waiver, finding.open) == (waiver, not waiver)


@pytest.mark.parametrize(
    ("level", "properties", "expected"),
    [
        ("error", {}, Level.HIGH),
        ("warning", {}, Level.MEDIUM),
        ("note", {}, Level.LOW),
        ("none", {}, Level.NEGLIGIBLE),
        ("note", {"security-severity": "9.8"}, Level.CRITICAL),
        ("none", {"tags": ["CRITICAL"]}, Level.CRITICAL),
    ],
)
def test_levels(tmp_path: Path, level: str, properties: dict[str, Any], expected: Level) -> None:
    rule = {"id": "CVE-2023-0464", "properties": properties}
    (finding,) = read(tmp_path, log(result(level=level), rules=[rule])).findings
    assert finding.severity.level is expected


def test_a_run_that_failed_or_did_not_look_is_a_problem(tmp_path: Path) -> None:
    failed = log(result(), invocations=[{"executionSuccessful": False, "endTimeUtc": "2026-11-20T10:00:00Z"}])
    imported = read(tmp_path, failed)
    assert imported.problems == ("trivy says that its run failed",)
    assert imported.feed.date == "2026-11-20T10:00:00Z"
    assert read(tmp_path, log(results=None)).problems == ("trivy did not look for anything",)
    assert read(tmp_path, {"version": "2.1.0", "runs": []}).problems == ("it holds no run of any tool",)


def test_rules_of_extensions(tmp_path: Path) -> None:
    report = log(result(rule="CVE-2023-0464/one"), rules=[])
    report["runs"][0]["tool"]["extensions"] = [{"name": "x", "rules": [RULE]}]
    (finding,) = read(tmp_path, report).findings
    assert finding.title == "openssl: policies cost too much"


def test_wrong_types_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"runs\[0\]\.results\[0\]\.ruleIndex is not a number"):
        read(tmp_path, log(result(ruleIndex="0")))
    with pytest.raises(InputError, match=r"SARIF 2\.0\.0 is not known"):
        read(tmp_path, {**log(), "version": "2.0.0"})
