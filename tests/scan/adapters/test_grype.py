"""Grype's JSON: matches, ignored matches, states of fixes, bulletins."""

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
    grype,
    grype_match,
    grype_python,
    read,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_report(tmp_path: Path) -> None:
    imported = read(tmp_path, grype(grype_match(), grype_python()))
    assert (imported.format, imported.feed) == ("grype", Feed("grype", "0.104.1", "2026-11-19T06:00:00Z"))
    assert (imported.digests, imported.image_id) == ((MANIFEST,), CONFIG)
    assert imported.layers == (DIFF_BASE, DIFF_APP)
    ssl, jinja = imported.findings
    assert (ssl.id, ssl.aliases, ssl.fixed, ssl.fix_state) == (
        "CVE-2023-0464",
        ("DSA-5417-1",),
        ("3.0.9-1",),
        "fixed",
    )
    assert ssl.severity == Severity(Level.LOW, 0.0, "", "debian", "Low")
    assert (ssl.component.source_name, ssl.component.path) == ("openssl", "")
    assert ssl.description == "Policies cost too much."
    assert ssl.raw["grype"]["epss"][0]["epss"] == 0.01
    assert (jinja.id, jinja.aliases) == ("GHSA-h75v-3vvj-5mfj", ("CVE-2024-34064",))
    assert jinja.severity == Severity(Level.MEDIUM, 5.4, CVSS, "github", "Medium")
    assert (jinja.component.name, jinja.component.path) == ("jinja2", JINJA.path)


@pytest.mark.parametrize(
    ("state", "expected"),
    [("not-fixed", "not-fixed"), ("wont-fix", "wont-fix"), ("unknown", "unknown"), ("", "unknown")],
)
def test_states_of_fixes(tmp_path: Path, state: str, expected: str) -> None:
    match = grype_match(fix={"versions": [], "state": state})
    (finding,) = read(tmp_path, grype(match)).findings
    assert (finding.fix_state, finding.open) == (expected, True)


@pytest.mark.parametrize(
    ("rules", "waiver", "vex", "status"),
    [
        (
            [{"vulnerability": "CVE-2023-0464", "reason": "not used", "fix-state": ""}],
            "ignored by a rule of Grype: not used",
            "",
            "affected",
        ),
        ([{"fix-state": "not-fixed"}], "ignored by a rule of Grype: fix-state not-fixed", "", "affected"),
        ([], "ignored by a rule of Grype", "", "affected"),
        (
            [
                {
                    "namespace": "vex",
                    "vex-status": "not_affected",
                    "vex-justification": "component_not_present",
                }
            ],
            "",
            "not_affected by a VEX document given to Grype: component_not_present",
            "not_affected",
        ),
        (
            [{"namespace": "vex", "vex-status": "fixed"}],
            "",
            "fixed by a VEX document given to Grype",
            "fixed",
        ),
    ],
)
def test_ignored_matches(tmp_path: Path, rules: list[Any], waiver: str, vex: str, status: str) -> None:
    ignored = {**grype_match(), "appliedIgnoreRules": rules}
    (finding,) = read(tmp_path, grype(ignoredMatches=[ignored])).findings
    assert (finding.waiver, finding.vex, finding.status, finding.open) == (waiver, vex, status, False)
    assert finding.raw["grype"]["appliedIgnoreRules"] == rules


def test_a_bulletin_means_each_of_its_weaknesses(tmp_path: Path) -> None:
    match = grype_match("ALAS2-2023-1", advisories=[])
    match["relatedVulnerabilities"] = [{"id": "CVE-2023-1"}, {"id": "CVE-2023-2"}]
    found = read(tmp_path, grype(match)).findings
    assert [(f.id, f.aliases) for f in found] == [
        ("CVE-2023-1", ("ALAS2-2023-1",)),
        ("CVE-2023-2", ("ALAS2-2023-1",)),
    ]


def test_epochs_of_rpms(tmp_path: Path) -> None:
    match = grype_match()
    match["artifact"] = {
        "name": "openssl-libs",
        "version": "0:3.0.7-1.el9",
        "type": "rpm",
        "purl": "pkg:rpm/redhat/openssl-libs@3.0.7-1.el9?arch=x86_64&upstream=openssl-3.0.7-1.el9.src.rpm",
    }
    (finding,) = read(tmp_path, grype(match)).findings
    assert (finding.component.kind, finding.component.version) == ("rpm", "3.0.7-1.el9")
    assert (finding.component.source_name, finding.component.source_version) == ("openssl", "3.0.7-1.el9")


def test_a_scan_of_a_directory_names_no_image(tmp_path: Path) -> None:
    imported = read(tmp_path, grype(source={"type": "directory", "target": "/srv/root"}))
    assert (imported.names, imported.digests, imported.problems) == ((), (), ())


def test_a_database_of_the_older_kind(tmp_path: Path) -> None:
    descriptor = {"name": "grype", "version": "0.80.0", "db": {"built": "2024-08-01T01:02:03Z"}}
    assert read(tmp_path, grype(descriptor=descriptor)).feed == Feed(
        "grype", "0.80.0", "2024-08-01T01:02:03Z"
    )


def test_wrong_types_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"matches\[1\]\.severity is not a word"):
        read(tmp_path, grype(grype_match(), grype_match(severity={})))
    with pytest.raises(InputError, match=r"matches\[0\] is not an object"):
        read(tmp_path, {"matches": ["CVE-2023-0464"]})
