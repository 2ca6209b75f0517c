"""What was wrong with the tools that this replaces, each as a test that it is not wrong here.

The tools of spacetelescope/jupyterhub-deploy (image-scan, image-scan-report, image-scan-summary, sscan) and scan.sh of
canonical's image-definitions. Other parts add theirs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from slipway.scan.adapters import ecr
from slipway.scan.adapters.ecrrelease import release
from slipway.scan.model import Level
from slipway.scan.policy.model import Judged
from slipway.scan.reports import stsci
from tests.scan.adapters.ecr.kit import Heard, finding, page, scanned, state
from tests.scan.advisories.kit import bring, settings_in

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.settings import Settings

ENDS = (
    "FAILED",
    "UNSUPPORTED_IMAGE",
    "SCAN_ELIGIBILITY_EXPIRED",
    "FINDINGS_UNAVAILABLE",
    "LIMIT_EXCEEDED",
    "IMAGE_ARCHIVED",
    "IMAGE_SIZE_EXCEEDED",
)


def packages(*statuses: tuple[str, str, str]) -> list[dict[str, Any]]:
    """Packages with their status in jammy and in focal."""
    return [
        {
            "name": name,
            "statuses": [
                {"release_codename": "jammy", "status": jammy, "description": "1.2-2"},
                {"release_codename": "focal", "status": focal, "description": "1.1-2"},
            ],
        }
        for name, jammy, focal in statuses
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_in(tmp_path)
    record = {
        "id": "CVE-2023-1",
        "updated_at": "2026-11-19T00:00:00",
        "packages": packages(("liba", "released", "needed"), ("libb", "needed", "released")),
    }
    (tmp_path / "ubuntu.json").write_text(json.dumps(record))
    bring(found, "ubuntu", tmp_path / "ubuntu.json")
    return found


def report(settings: Settings, *pages: dict[str, Any], **options: Any) -> dict[str, Any]:
    least = options.pop("least", Level.UNKNOWN)
    found = yaml.safe_load(stsci.render([Judged(scanned(settings, *pages, **options))], least=least))
    assert isinstance(found, dict)
    return found


def test_an_image_with_critical_findings_only_fails(settings: Settings) -> None:
    """image-scan-report: its list of levels that fail had CRITCAL in it."""
    assert (
        report(settings, page(finding("CVE-2023-1", "CRITICAL", "liba", "1.2-1")))["overall_status"]
        == "FAILED"
    )


def test_the_status_is_that_of_the_package(settings: Settings) -> None:
    """image-scan-report: it took the first row of the release, whatever package that was about."""
    rows = [finding("CVE-2023-1", "HIGH", "libb", "1.2-1"), finding("CVE-2023-1", "HIGH", "liba", "1.2-1")]
    found = report(settings, page(*rows), release=release("jammy"))["imageScanFindings"]["findings"]
    told = {row["attributes"][0]["value"]: row["cve_status"] for row in found}
    assert told == {
        "liba": "CVE-2023-1 -- HIGH -- jammy -- Released",
        "libb": "CVE-2023-1 -- HIGH -- jammy -- Needed",
    }


def test_the_status_is_that_of_the_image_s_own_release(settings: Settings) -> None:
    """setup-env: the release was a word set by hand, and stayed focal when images were made from jammy."""
    rows = [finding("CVE-2023-1", "HIGH", "liba", "1.1-1")]
    (row,) = report(settings, page(*rows), release=release("focal"))["imageScanFindings"]["findings"]
    assert row["cve_status"] == "CVE-2023-1 -- HIGH -- focal -- Needed"
    (row,) = report(settings, page(*rows))["imageScanFindings"]["findings"]
    assert row["cve_status"] == "CVE-2023-1 -- HIGH -- unknown -- unknown"


@pytest.mark.parametrize("status", ENDS)
def test_a_scan_that_failed_comes_to_an_end(settings: Settings, status: str) -> None:
    """image-scan-report: it asked again every ten seconds, for ever, for anything but COMPLETE."""
    found = report(settings, state(status))
    assert (found["overall_status"], found["imageScanStatus"]["status"]) == ("FAILED", status)
    assert status in found["imageScanStatus"]["description"]


def test_what_ecr_scans_again_and_again_is_done(settings: Settings) -> None:
    """image-scan-report: for ACTIVE, the only state of enhanced scanning, it waited for ever."""
    found = report(settings, page(finding("CVE-2023-1", "LOW", "liba", "1.2-1"), status="ACTIVE"))
    assert found["overall_status"] == "OK"


def test_diagnostics_are_not_in_the_document(settings: Settings) -> None:
    """image-scan-report: it printed `Unknown CVE URI:` into its YAML, and merged standard error into the JSON that it read."""
    heard = Heard()
    row = finding("CVE-2023-1", "HIGH", "liba", "1.2-1") | {"uri": "gopher://nobody.example/Unknown CVE URI"}
    text = stsci.render([Judged(scanned(settings, page(row), reporter=heard.reporter))])
    assert heard.notes
    assert "Unknown" not in text
    assert not [note for note in heard.notes if note in text]
    assert isinstance(yaml.safe_load(text), dict)


def test_all_pages_are_read(settings: Settings) -> None:
    """image-scan-report: `--no-paginate` showed the first hundred, as if there were no more."""
    counts = {"LOW": 100, "CRITICAL": 1}
    low = [finding(f"CVE-2023-{n}", "LOW", "liba", "1.2-1") for n in range(1, 101)]
    first = page(*low, counts=counts, nextToken="token")
    last = page(finding("CVE-2023-999", "CRITICAL", "liba", "1.2-1"), counts=counts)
    found = report(settings, first, last)
    assert len(found["imageScanFindings"]["findings"]) == 101
    assert found["imageScanFindings"]["findingSeverityCounts"] == counts
    assert found["overall_status"] == "FAILED"
    alone = report(settings, first)
    assert alone["overall_status"] == "FAILED"
    assert "not all pages" in alone["imageScanStatus"]["description"]


def test_undefined_is_a_level(settings: Settings) -> None:
    """image-scan-report: its `ALL` left out UNDEFINED."""
    rows = [
        finding("CVE-2023-1", "UNDEFINED", "liba", "1.2-1"),
        finding("CVE-2023-2", "LOW", "liba", "1.2-1"),
    ]
    found = report(settings, page(*rows))["imageScanFindings"]
    assert [row["severity"] for row in found["findings"]] == ["LOW", "UNDEFINED"]
    found = report(settings, page(*rows), least=Level.MEDIUM)["imageScanFindings"]
    assert [row["severity"] for row in found["findings"]] == ["UNDEFINED"]
    assert found["findingSeverityCounts"] == {"LOW": 1, "UNDEFINED": 1}


def test_an_answer_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    """image-scan-report: with standard error merged in, it read whatever came."""
    path = tmp_path / "f"
    path.write_text("Unable to locate credentials\n{}")
    with pytest.raises(Exception, match="not valid JSON"):
        ecr.pages(path)
