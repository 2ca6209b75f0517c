"""Trivy's JSON: packages, states, what it left out itself, and what is no vulnerability at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError
from slipway.scan.model import Feed, Level, Severity
from tests.scan.adapters.kit import (
    CONFIG,
    CVSS,
    DIFF_APP,
    DIFF_BASE,
    JINJA,
    MANIFEST,
    os_packages,
    python_packages,
    python_row,
    read,
    trivy,
    trivy_row,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_report(tmp_path: Path) -> None:
    imported = read(tmp_path, trivy(os_packages(trivy_row()), python_packages(python_row())))
    assert (imported.format, imported.problems, imported.others) == ("trivy", (), ())
    assert imported.feed == Feed("trivy", "0.70.0", "2026-11-20T10:00:00Z")
    assert (imported.names, imported.digests) == (("registry.example.org/team/hello:1",), (MANIFEST,))
    assert (imported.image_id, imported.layers) == (CONFIG, (DIFF_BASE, DIFF_APP))
    ssl, jinja = imported.findings
    assert (ssl.id, ssl.status, ssl.aliases) == ("CVE-2023-0464", "affected", ("DSA-5417-1",))
    assert (ssl.fixed, ssl.fix_state, ssl.open) == (("3.0.9-1",), "fixed", True)
    assert ssl.severity == Severity(Level.HIGH, 7.5, CVSS, "nvd", "HIGH")
    assert ssl.urls == ("https://example.org/cve-2023-0464", "https://example.org/one")
    assert (ssl.provenance, ssl.published) == (("trivy 0.70.0",), "2023-03-22T17:15:13Z")
    assert (ssl.component.kind, ssl.component.name, ssl.component.version) == ("deb", "libssl3", "3.0.8-1")
    assert ssl.raw["trivy"]["VendorSeverity"] == {"nvd": 3, "redhat": 1}
    assert ssl.raw["trivy"]["CweIDs"] == ["CWE-295"]
    assert (jinja.component.kind, jinja.component.name, jinja.component.path) == (
        "pypi",
        "jinja2",
        JINJA.path,
    )
    assert (jinja.fixed, jinja.severity.origin) == (("3.1.4", "4.0"), "github")
    assert jinja.aliases == ("GHSA-h75v-3vvj-5mfj",)


@pytest.mark.parametrize(
    ("word", "status", "fix", "counts"),
    [
        ("fixed", "affected", "fixed", True),  # a fix is to be had: it is not in
        ("affected", "affected", "not-fixed", True),
        ("will_not_fix", "affected", "wont-fix", True),
        ("fix_deferred", "affected", "deferred", True),
        ("end_of_life", "no_support", "wont-fix", True),
        ("under_investigation", "under_investigation", "unknown", True),
        ("not_affected", "not_affected", "unknown", False),
        ("a new word", "affected", "unknown", True),
    ],
)
def test_states(tmp_path: Path, word: str, status: str, fix: str, *, counts: bool) -> None:
    row = trivy_row(Status=word, FixedVersion="")
    (finding,) = read(tmp_path, trivy(os_packages(row))).findings
    assert (finding.status, finding.fix_state, finding.open) == (status, fix, counts)


@pytest.mark.parametrize("name", ["ModifiedFindings", "ExperimentalModifiedFindings"])
def test_what_was_left_out_is_not_open_and_says_why(tmp_path: Path, name: str) -> None:
    def modified(status: str, **more: str) -> dict[str, object]:
        row = {"Type": "vulnerability", "Status": status, "Finding": trivy_row(f"CVE-2023-{len(status)}000")}
        return {**row, **more}

    rows = [
        modified("ignored", Statement="not reachable", Source=".trivyignore"),
        modified("not_affected", Source="vex.json"),
        modified("under_investigation"),
        {"Type": "secret", "Status": "ignored", "Finding": {"RuleID": "key"}},
    ]
    found = read(tmp_path, trivy(os_packages(**{name: rows}))).findings
    assert [(f.status, f.open) for f in found] == [
        ("affected", False),
        ("not_affected", False),
        ("under_investigation", True),
    ]
    assert found[0].waiver == "ignored by .trivyignore of Trivy: not reachable"
    assert found[1].vex == "not_affected by vex.json of Trivy"
    assert found[0].raw["trivy"]["modified"]["Statement"] == "not reachable"


def test_other_findings_are_counted_apart(tmp_path: Path) -> None:
    """Counting words in the document counted these as vulnerabilities: each has a severity too."""
    report = trivy(
        os_packages(trivy_row(Severity="LOW")),
        {
            "Target": "Dockerfile",
            "Class": "config",
            "Misconfigurations": [
                {"ID": "DS002", "Severity": "CRITICAL", "Status": "FAIL"},
                {"ID": "DS003", "Severity": "CRITICAL", "Status": "PASS"},
            ],
        },
        {"Target": "id_rsa", "Class": "secret", "Secrets": [{"RuleID": "key", "Severity": "CRITICAL"}]},
        {"Target": "", "Class": "license", "Licenses": [{"Name": "GPL-3.0", "Severity": "HIGH"}] * 2},
    )
    imported = read(tmp_path, report)
    assert [f.severity.level for f in imported.findings] == [Level.LOW]
    assert imported.others == (("misconfiguration", 1), ("secret", 1), ("licence", 2))
    assert imported.problems == ()


@pytest.mark.parametrize("results", [[], [{"Target": "x", "Class": "secret", "Secrets": []}]])
def test_a_report_that_looked_at_no_package_is_a_problem(
    tmp_path: Path, results: list[dict[str, object]]
) -> None:
    imported = read(tmp_path, trivy(*results))
    assert "did not look for vulnerabilities" in imported.problems[0]


def test_without_results_at_all(tmp_path: Path) -> None:
    report = trivy()
    del report["Results"]
    assert read(tmp_path, report).problems


def test_an_end_of_life_system_is_a_problem(tmp_path: Path) -> None:
    report = trivy(os_packages(), metadata={"OS": {"Family": "debian", "Name": "9", "EOSL": True}})
    assert "no longer kept up" in read(tmp_path, report).problems[0]


def test_the_bare_list_of_old_versions(tmp_path: Path) -> None:
    row = {
        "VulnerabilityID": "CVE-2018-16840",
        "PkgName": "curl",
        "InstalledVersion": "7.61.0-r0",
        "FixedVersion": "7.61.1-r1",
        "Severity": "HIGH",
    }
    report = [
        {"Target": "hello (alpine 3.7.1)", "Type": "alpine", "Vulnerabilities": [row]},
        {"Target": "package-lock.json", "Vulnerabilities": None},
    ]
    imported = read(tmp_path, report)
    (finding,) = imported.findings
    assert (finding.component.kind, finding.component.name, finding.fixed) == ("apk", "curl", ("7.61.1-r1",))
    assert (imported.problems, imported.names) == ((), ())


def test_a_path_is_no_name(tmp_path: Path) -> None:
    report = trivy(os_packages(), metadata={"RepoTags": None, "RepoDigests": []}, ArtifactName="out/layout")
    assert read(tmp_path, report).names == ()


def test_a_newer_schema(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SchemaVersion 3 of Trivy"):
        read(tmp_path, trivy(SchemaVersion=3))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Severity": 5}, r"Results\[0\]\.Vulnerabilities\[1\]\.Severity is not a word: '5'"),
        ({"PkgName": ""}, None),
        ({"VulnerabilityID": ""}, r"Vulnerabilities\[1\]\.VulnerabilityID is missing"),
        ({"VulnerabilityID": "CVE-\x1b[31m"}, r"Vulnerabilities\[1\]\.VulnerabilityID is not a word"),
        ({"CVSS": {"nvd": {"V3Score": "high"}}}, r"V3Score is not a number: 'high'"),
        ({"CVSS": {"nvd": {"V3Score": 1e308}}}, r"V3Score is not a score"),
        ({"CVSS": []}, r"CVSS is not a mapping"),
        ({"PkgIdentifier": {"PURL": "libssl3"}}, r"'libssl3' is not a package URL"),
        ({"References": {}}, r"References is not a list"),
    ],
)
def test_wrong_types_are_named(tmp_path: Path, change: dict[str, Any], said: str | None) -> None:
    report = trivy(os_packages(trivy_row(), trivy_row(**change)))
    if said is None:
        assert read(tmp_path, report).findings[1].component.name == "libssl3"  # the purl has it too
        return
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, report)
    assert str(tmp_path / "report.json") in caught.value.brief


def test_vendors_numbers_join_nothing(tmp_path: Path) -> None:
    row = trivy_row(VendorIDs=["DSA-5417-1", "XSA-1", "GHSA-h75v-3vvj-5mfj"])
    (finding,) = read(tmp_path, trivy(os_packages(row))).findings
    assert finding.aliases == ("DSA-5417-1", "GHSA-h75v-3vvj-5mfj")
