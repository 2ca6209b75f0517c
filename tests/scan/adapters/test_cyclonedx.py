"""CycloneDX with vulnerabilities: what they affect, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError
from slipway.scan.model import Feed, Level
from slipway.scan.sbom.cyclonedx import document as inventory_of
from tests.scan.adapters.kit import CONFIG, CVSS, INVENTORY, MANIFEST, SSL, read

if TYPE_CHECKING:
    from pathlib import Path

TRIVY = "aquasecurity:trivy:"


def vulnerability(ref: str = "ssl", **more: Any) -> dict[str, Any]:
    return {
        "id": "CVE-2023-0464",
        "source": {"name": "debian", "url": "https://example.org/tracker"},
        "references": [{"id": "GHSA-h75v-3vvj-5mfj", "source": {"url": "https://example.org/ghsa"}}],
        "ratings": [
            {
                "source": {"name": "nvd"},
                "score": 7.5,
                "severity": "high",
                "method": "CVSSv31",
                "vector": CVSS,
            },
            {"source": {"name": "redhat"}, "severity": "low"},
        ],
        "cwes": [295],
        "description": "Policies cost too much.",
        "advisories": [{"url": "https://example.org/advisory"}],
        "published": "2023-03-22T17:15:13+00:00",
        "affects": [{"ref": ref, "versions": [{"version": "3.0.8-1", "status": "affected"}]}],
        **more,
    }


def document(*vulnerabilities: Any, **more: Any) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {
            "timestamp": "2026-11-20T10:00:00+00:00",
            "tools": {"components": [{"type": "application", "name": "trivy", "version": "0.70.0"}]},
            "component": {
                "bom-ref": "image",
                "type": "container",
                "name": "registry.example.org/team/hello:1",
                "purl": f"pkg:oci/hello@sha256%3A{'1' * 64}?arch=amd64",
                "properties": [
                    {"name": f"{TRIVY}ImageID", "value": CONFIG},
                    {"name": f"{TRIVY}RepoDigest", "value": f"registry.example.org/team/hello@{MANIFEST}"},
                ],
            },
        },
        "components": [
            {
                "bom-ref": "outer",
                "type": "application",
                "name": "outer",
                "components": [
                    {
                        "bom-ref": "ssl",
                        "type": "library",
                        "name": "libssl3",
                        "version": "3.0.8-1",
                        "purl": SSL.purl,
                    }
                ],
            }
        ],
        "vulnerabilities": list(vulnerabilities),
        **more,
    }


def test_a_report(tmp_path: Path) -> None:
    imported = read(tmp_path, document(vulnerability()))
    assert (imported.format, imported.feed) == ("cyclonedx", Feed("trivy", "0.70.0", "2026-11-20T10:00:00Z"))
    assert (imported.digests, imported.image_id) == ((MANIFEST,), CONFIG)
    (finding,) = imported.findings
    assert (finding.id, finding.aliases, finding.open) == ("CVE-2023-0464", ("GHSA-h75v-3vvj-5mfj",), True)
    assert (finding.component.kind, finding.component.name, finding.component.source_name) == (
        "deb",
        "libssl3",
        "openssl",
    )
    assert (finding.severity.level, finding.severity.score, finding.severity.origin) == (
        Level.HIGH,
        7.5,
        "nvd",
    )
    assert finding.urls[:2] == ("https://example.org/tracker", "https://example.org/advisory")
    assert finding.published == "2023-03-22T17:15:13Z"


@pytest.mark.parametrize(
    ("state", "status", "counts"),
    [
        ("exploitable", "affected", True),
        ("in_triage", "under_investigation", True),
        ("resolved", "fixed", False),
        ("resolved_with_pedigree", "fixed", False),
        ("false_positive", "not_affected", False),
        ("not_affected", "not_affected", False),
        ("a new word", "affected", True),
    ],
)
def test_states(tmp_path: Path, state: str, status: str, *, counts: bool) -> None:
    analysis = {"state": state, "justification": "code_not_reachable", "detail": "never called"}
    (finding,) = read(tmp_path, document(vulnerability(analysis=analysis))).findings
    assert (finding.status, finding.open) == (status, counts)
    assert finding.vex == ("" if counts else f"{state}: code_not_reachable: never called")


def test_a_version_that_is_not_affected(tmp_path: Path) -> None:
    affects = [{"ref": "ssl", "versions": [{"version": "3.0.8-1", "status": "unaffected"}]}]
    (finding,) = read(tmp_path, document(vulnerability(affects=affects))).findings
    assert (finding.status, finding.open) == ("not_affected", False)


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        ([("vers:deb/>=3.0.8-1", "unaffected")], False),
        ([("vers:deb/>3.0.8-1", "unaffected")], True),
        ([("vers:deb/<3.0.8-1", "affected"), ("vers:deb/>=3.0.8-1", "unaffected")], False),
        ([("vers:deb/<4", "unknown"), ("vers:deb/>=3.0.8-1", "unaffected")], True),
        ([("vers:generic/>=1", "unaffected")], True),
        ([("vers:generic/>=9", "affected"), ("vers:deb/>=3.0.8-1", "unaffected")], True),
    ],
)
def test_ranges_that_are_not_affected(tmp_path: Path, rows: list[tuple[str, str]], *, counts: bool) -> None:
    affects = [{"ref": "ssl", "versions": [{"range": span, "status": status} for span, status in rows]}]
    (finding,) = read(tmp_path, document(vulnerability(affects=affects))).findings
    assert finding.open is counts


@pytest.mark.parametrize(
    ("ref", "kind", "name"),
    [
        ("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#ssl", "deb", "libssl3"),
        ("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Apypi%2Fjinja2%403.1.3", "pypi", "jinja2"),
        ("pkg:pypi/jinja2@3.1.3", "pypi", "jinja2"),
        ("outer", "generic", "outer"),
        ("nobody", "generic", "nobody"),
    ],
)
def test_references(tmp_path: Path, ref: str, kind: str, name: str) -> None:
    (finding,) = read(tmp_path, document(vulnerability(ref))).findings
    assert (finding.component.kind, finding.component.name) == (kind, name)


def test_without_a_reference_it_is_about_the_image(tmp_path: Path) -> None:
    (finding,) = read(tmp_path, document(vulnerability(affects=[]))).findings
    assert finding.component.name == "registry.example.org/team/hello:1"


def test_our_own_inventory_alone_is_a_problem(tmp_path: Path) -> None:
    imported = read(tmp_path, inventory_of(INVENTORY))
    assert (imported.findings, imported.digests) == ((), (MANIFEST,))
    assert "inventory alone" in imported.problems[0]


def test_wrong_types_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"vulnerabilities\[0\]\.ratings\[0\]\.score is not a number"):
        read(tmp_path, document(vulnerability(ratings=[{"score": [], "method": "CVSSv3"}])))
    with pytest.raises(InputError, match=r"vulnerabilities\[1\]\.id is missing"):
        read(tmp_path, document(vulnerability(), vulnerability(id="")))
