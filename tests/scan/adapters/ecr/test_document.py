"""ECR's documents: what is read from them, and what of them says that something is missing."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import InputError, UsageError
from slipway.scan.adapters import detect, ecr
from slipway.scan.model import Level, System
from tests.scan.adapters.ecr.kit import DIGEST, enhanced, finding, package, page, saved, state

if TYPE_CHECKING:
    from pathlib import Path

ENDS = (
    "FAILED",
    "UNSUPPORTED_IMAGE",
    "SCAN_ELIGIBILITY_EXPIRED",
    "FINDINGS_UNAVAILABLE",
    "LIMIT_EXCEEDED",
    "IMAGE_ARCHIVED",
    "IMAGE_SIZE_EXCEEDED",
)


def one(*pages: dict[str, Any]) -> ecr.Answer:
    (answer,) = ecr.answers(pages)
    return answer


def test_a_basic_finding() -> None:
    answer = one(page(finding("CVE-2023-0464", "HIGH", "openssl", "3.0.2-0ubuntu1.8", description="Slow.")))
    (found,) = answer.findings
    assert (found.id, found.status, found.fix_state, found.description) == (
        "CVE-2023-0464",
        "affected",
        "unknown",
        "Slow.",
    )
    assert found.component.kind == "deb"
    assert (found.component.name, found.component.version) == ("openssl", "3.0.2-0ubuntu1.8")
    severity = found.severity
    assert (severity.level, severity.score, severity.vector, severity.origin, severity.original) == (
        Level.HIGH,
        7.5,
        "AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "ecr",
        "HIGH",
    )
    assert found.urls == ("http://people.ubuntu.com/~ubuntu-security/cve/CVE-2023-0464",)
    assert not answer.problems
    assert (answer.completed, answer.updated) == ("2026-11-20T12:00:00Z", "2026-11-20T06:00:00Z")
    assert (answer.feed.name, answer.feed.version, answer.feed.date) == (
        "ecr",
        "basic",
        "2026-11-20T06:00:00Z",
    )


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("INFORMATIONAL", Level.NEGLIGIBLE),
        ("LOW", Level.LOW),
        ("MEDIUM", Level.MEDIUM),
        ("HIGH", Level.HIGH),
        ("CRITICAL", Level.CRITICAL),
        ("UNDEFINED", Level.UNKNOWN),
        ("UNTRIAGED", Level.UNKNOWN),
    ],
)
def test_severities(word: str, level: Level) -> None:
    (found,) = one(page(finding("CVE-2023-1", word, "a", "1"))).findings
    assert (found.severity.level, found.severity.original) == (level, word)


def test_an_enhanced_finding_is_about_each_of_its_packages() -> None:
    layer = "sha256:" + "b" * 64
    row = enhanced(
        "CVE-2023-0464",
        "HIGH",
        package(
            "libssl3",
            "3.0.2",
            "0ubuntu1.8",
            epoch=0,
            arch="AMD64",
            fixedInVersion="0:3.0.2-0ubuntu1.10",
            sourceLayerHash=layer,
        ),
        package("bind9", "9.18.1", "1ubuntu1", epoch=1, arch="AMD64", fixedInVersion="NotAvailable"),
        package("cryptography", "39.0.0", manager="PYTHONPKG", filePath="/opt/conda/METADATA"),
        score=7.5,
        fixAvailable="PARTIAL",
        firstObservedAt=1_700_000_000.5,
        details={
            "sourceUrl": "https://example.org/a",
            "referenceUrls": ["https://example.org/b", "javascript:alert(1)"],
            "relatedVulnerabilities": ["USN-6039-1", "CVE-2023-0465"],
            "vendorCreatedAt": "2023-03-22T17:15:00Z",
        },
    )
    answer = one(page(row))
    ssl, bind, python = answer.findings
    assert answer.system == System("ubuntu", "22.04")
    assert (ssl.component.kind, ssl.component.version, ssl.component.layer) == (
        "deb",
        "3.0.2-0ubuntu1.8",
        layer,
    )
    assert (ssl.fixed, ssl.fix_state) == (("3.0.2-0ubuntu1.10",), "fixed")
    assert (bind.component.version, bind.fixed) == ("1:9.18.1-1ubuntu1", ())
    assert (python.component.kind, python.component.path) == ("pypi", "opt/conda/METADATA")
    assert ssl.aliases == ("USN-6039-1",)  # another CVE is another weakness
    assert ssl.urls == ("https://example.org/a", "https://example.org/b")
    assert (ssl.first_seen, ssl.published) == ("2023-11-14T22:13:20Z", "2023-03-22T17:15:00Z")
    assert (ssl.severity.score, ssl.title) == (7.5, "CVE-2023-0464 - some")
    assert answer.feed.version == "enhanced"


def test_what_inspector_closed_is_fixed_and_what_it_suppressed_stays_open() -> None:
    closed = enhanced("CVE-2023-1", "HIGH", package("a", "1"), status="CLOSED")
    suppressed = enhanced("CVE-2023-2", "HIGH", package("a", "1"), status="SUPPRESSED")
    one_, two = one(page(closed, suppressed)).findings
    assert (one_.status, one_.open) == ("fixed", False)
    assert two.open


def test_other_names_and_bulletins() -> None:
    other = enhanced("GHSA-h75v-3vvj-5mfj", "LOW", package("jinja2", "3.1.3", manager="PYTHONPKG"))
    other["packageVulnerabilityDetails"]["relatedVulnerabilities"] = ["CVE-2024-34064"]
    (found,) = one(page(other)).findings
    assert (found.id, found.aliases) == ("GHSA-h75v-3vvj-5mfj", ("CVE-2024-34064",))
    about_two = enhanced("USN-6039-1", "LOW", package("libssl3", "3.0.2"))
    about_two["packageVulnerabilityDetails"]["relatedVulnerabilities"] = ["CVE-2023-0464", "CVE-2023-0465"]
    found_two = one(page(about_two)).findings
    assert [(f.id, f.aliases) for f in found_two] == [
        ("CVE-2023-0464", ("USN-6039-1",)),
        ("CVE-2023-0465", ("USN-6039-1",)),
    ]


def test_a_finding_that_names_no_package_is_kept() -> None:
    answer = one(page({"name": "CVE-2023-1", "severity": "HIGH"}, enhanced("CVE-2023-2", "LOW")))
    assert [f.component.name for f in answer.findings] == ["unknown", "unknown"]


@pytest.mark.parametrize("status", ["COMPLETE", "ACTIVE"])
def test_states_that_are_well(status: str) -> None:
    assert one(page(finding("CVE-2023-1", "LOW", "a", "1"), status=status)).problems == ()


@pytest.mark.parametrize("status", ENDS)
def test_states_that_are_not(status: str) -> None:
    assert one(state(status)).problems == (f"ECR's scan ended as {status}: why it is so",)


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS"])
def test_states_that_are_no_end(status: str) -> None:
    assert one(state(status)).problems == ("ECR has not finished its scan",)


def test_states_that_nobody_knows() -> None:
    assert one(state("SOMETHING_NEW", "")).problems == ("ECR's scan ended as SOMETHING_NEW",)
    assert one(state("", "")).problems == ("ECR's scan ended as nothing that it says",)
    assert one(state("COMPLETE")).problems == ("ECR says that its scan is done, and lists no findings",)


def test_all_pages_are_one_answer() -> None:
    counts = {"HIGH": 3}
    rows = [finding(f"CVE-2023-{n}", "HIGH", "a", "1") for n in range(3)]
    pages = [page(row, counts=counts, nextToken=f"t{n}") for n, row in enumerate(rows)]
    del pages[2]["nextToken"]
    answer = one(*pages)
    assert len(answer.findings) == 3
    assert answer.problems == ()


def test_pages_that_are_missing_are_noticed() -> None:
    row = finding("CVE-2023-1", "HIGH", "a", "1")
    (problem,) = one(page(row, nextToken="t")).problems
    assert "not all pages" in problem
    (problem,) = one(page(row, counts={"HIGH": 101})).problems
    assert "ECR counts 101 findings, of which 1 are here" in problem


def test_files(tmp_path: Path) -> None:
    one_, two = (
        page(finding("CVE-2023-1", "LOW", "a", "1"), counts={"LOW": 2}, nextToken="t"),
        page(finding("CVE-2023-2", "LOW", "a", "1"), counts={"LOW": 2}),
    )
    appended = saved(tmp_path / "appended", one_, two)
    listed = tmp_path / "listed"
    listed.write_text(json.dumps([one_, two]))
    (answer,) = ecr.answers(ecr.pages(appended))
    assert [f.id for f in answer.findings] == ["CVE-2023-1", "CVE-2023-2"]
    assert not answer.problems
    assert ecr.answers(ecr.pages(listed)) == (answer,)


def test_images_and_scans_are_kept_apart(tmp_path: Path) -> None:
    other = page(repositoryName="roman")
    later = page()
    later["imageScanFindings"]["imageScanCompletedAt"] = "2026-11-21T00:00:00Z"
    found = ecr.answers(ecr.pages(saved(tmp_path / "f", page(), other, later)))
    assert [(a.repository, a.completed[:10]) for a in found] == [
        ("tike", "2026-11-20"),
        ("roman", "2026-11-20"),
        ("tike", "2026-11-21"),
    ]


def test_times_in_all_their_forms() -> None:
    moment = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    for value in (moment, moment.replace(tzinfo=None), moment.timestamp(), "2026-11-20T13:00:00+01:00"):
        found = page()
        found["imageScanFindings"]["imageScanCompletedAt"] = value
        assert one(found).completed == "2026-11-20T12:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "[1]",
        '{"a": 1}',
        '{"repositoryName": "x"}',
        "[" * 100_000,
        "\ufeff",
        '"x"',
        "1 2",
    ],
)
def test_what_is_no_answer_of_ecr(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f"
    path.write_text(text)
    with pytest.raises(InputError, match=r"f is not "):
        ecr.pages(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        ecr.pages(tmp_path / "missing")
    (tmp_path / "f").write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="not valid JSON"):
        ecr.pages(tmp_path / "f")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("imageScanStatus",), []),
        (("imageScanFindings",), "x"),
        (("imageScanFindings", "findings"), {}),
        (("imageScanFindings", "findings"), [1]),
        (("imageScanFindings", "findings"), [{"severity": "LOW"}]),
        (("imageScanFindings", "findings"), [{"name": "a\x1b[31m"}]),
        (("imageScanFindings", "findingSeverityCounts"), {"HIGH": "many"}),
        (("imageScanFindings", "imageScanCompletedAt"), "yesterday"),
        (("imageScanFindings", "imageScanCompletedAt"), 1e300),
        (("imageScanFindings", "enhancedFindings"), [{"type": "T", "score": "high"}]),
    ],
)
def test_damage_is_an_error(place: tuple[str, ...], value: object) -> None:
    found = page()
    spot: Any = found
    for name in place[:-1]:
        spot = spot[name]
    spot[place[-1]] = value
    with pytest.raises(InputError, match="not an answer of ECR"):
        ecr.answers([found])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(row=ANYTHING, name=st.sampled_from(["findings", "enhancedFindings", "findingSeverityCounts"]))
def test_anything_else_is_an_error_of_ours(row: object, name: str) -> None:
    found = page()
    found["imageScanFindings"][name] = row
    with suppress(InputError):
        ecr.answers([found])


def test_reports_of_ecr_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    path = saved(tmp_path / "report.json", page(finding("CVE-2023-1", "LOW", "a", "1")))
    imported = detect.findings(path)
    assert (imported.format, imported.source, imported.digests) == ("ecr", "ecr basic", (DIGEST,))
    assert imported.findings[0].provenance == ("ecr basic",)
    path.write_text(json.dumps([page(nextToken="t"), page(repositoryName="roman")]))
    with pytest.raises(InputError, match="2 images"):
        detect.findings(path)
    assert detect.findings(saved(path, state("FAILED"))).problems
