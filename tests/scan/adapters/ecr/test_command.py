"""`slipway scan ecr`: what people type, and what comes of it."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from slipway.scan.adapters import ecrclient
from tests.scan.adapters.ecr.kit import ACCOUNT, finding, page, put, saved, state
from tests.scan.adapters.ecr.test_status import CVE, UBUNTU

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scan.adapters.ecr.conftest import Outcome

    Call = Callable[..., Outcome]

FRESH = ("--advisories-max-age", "0", "scan", "ecr")


@pytest.fixture
def findings(tmp_path: Path, call: Call) -> Path:
    """A saved answer, with Ubuntu's status of what is in it."""
    path = tmp_path / "ubuntu.json"
    path.write_text(json.dumps({"cves": [UBUNTU]}))
    assert call("advisories", "update", "ubuntu", "--from", str(path)).status == 0
    rows = [finding(CVE, "HIGH", "liba", "1.2-1"), finding(CVE, "MEDIUM", "libc", "1.2-1")]
    return saved(tmp_path / "findings.json", page(*rows))


def test_a_saved_answer(call: Call, findings: Path) -> None:
    done = call(*FRESH, "--from-file", str(findings), "--release", "jammy")
    assert (done.status, done.err) == (0, "")
    assert "1.2-1ubuntu0.1" in done.out
    done = call(*FRESH, "--from-file", str(findings), "--release", "jammy", "--fail-on", "high")
    assert done.status == 10
    done = call(*FRESH, "--from-file", str(findings), "--release", "jammy", "--fail-on", "critical")
    assert done.status == 0


def test_the_yaml_and_the_exit_status_say_the_same(call: Call, findings: Path, tmp_path: Path) -> None:
    done = call(*FRESH, "--from-file", str(findings), "--release", "jammy", "--format", "stsci")
    found = yaml.safe_load(done.out)
    assert (done.status, found["overall_status"]) == (10, "FAILED")
    assert [row["cve_status"] for row in found["imageScanFindings"]["findings"]] == [
        f"{CVE} -- HIGH -- jammy -- Released",
        f"{CVE} -- MEDIUM -- jammy -- Not affected",
    ]
    done = call(
        *FRESH,
        "--from-file",
        str(findings),
        "--format",
        "stsci",
        "--min-level",
        "high",
        "-o",
        str(tmp_path / "r"),
    )
    assert done.status == 10
    found = yaml.safe_load((tmp_path / "r").read_text())["imageScanFindings"]
    assert len(found["findings"]) == 1
    assert found["findingSeverityCounts"] == {"HIGH": 1, "MEDIUM": 1}


def test_the_release_is_read_from_the_image(call: Call, findings: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/os-release").write_text('ID=ubuntu\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\n')
    (root / "var/lib/dpkg").mkdir(parents=True)
    status = "".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.2-1\n\n"
        for name in ("liba", "libc")
    )
    (root / "var/lib/dpkg/status").write_text(status)
    done = call(*FRESH, "--from-file", str(findings), "--image", f"dir:{root}", "--format", "json")
    (scan,) = json.loads(done.out)["scans"]
    assert scan["image"]["system"]["codename"] == "jammy"
    assert len(scan["components"]) == 2
    assert [f.get("fixed") for f in scan["findings"]] == [["1.2-1ubuntu0.1"], None]
    assert (done.status, done.err) == (0, "")


def test_nothing_but_the_document_is_printed(call: Call, findings: Path) -> None:
    """Warnings and notes go to standard error."""
    done = call(*FRESH, "--from-file", str(findings), "--format", "stsci")
    assert "of which release it is, is not known" in done.err
    assert "of which release" not in done.out
    assert isinstance(yaml.safe_load(done.out), dict)


def test_a_scan_that_failed_is_not_complete(call: Call, tmp_path: Path) -> None:
    path = saved(tmp_path / "f", state("UNSUPPORTED_IMAGE", "no such system"))
    done = call(*FRESH, "--from-file", str(path))
    assert done.status == 11
    assert "UNSUPPORTED_IMAGE: no such system" in done.out
    assert call(*FRESH, "--from-file", str(path), "--fail-on", "critical").status == 11
    done = call(*FRESH, "--from-file", str(path), "--format", "stsci")
    assert done.status == 11
    found = yaml.safe_load(done.out)
    assert (found["overall_status"], found["imageScanStatus"]["status"]) == ("FAILED", "UNSUPPORTED_IMAGE")


def test_what_cannot_be_meant(call: Call, findings: Path, tmp_path: Path) -> None:
    assert call("scan", "ecr").status == 2
    assert call("scan", "ecr", "NoImage").status == 2
    assert call("scan", "ecr", "tike", "--wait", "-1").status == 2
    assert call("scan", "ecr", "--from-file", str(findings), "--release", "jam").status == 2
    assert call("scan", "ecr", "--from-file", str(tmp_path / "gone")).status == 2
    assert call("scan", "ecr", "--from-file", str(findings), "--min-level", "high").status == 2
    path = saved(tmp_path / "two", page(), page(repositoryName="roman"))
    assert call("scan", "ecr", "--from-file", str(path), "--image", "hello").status == 2
    (tmp_path / "bad").write_text("{")
    assert call("scan", "ecr", "--from-file", str(tmp_path / "bad")).status == 5


def test_asking_the_registry(call: Call) -> None:
    boto3 = pytest.importorskip("boto3")
    from moto import mock_aws

    with mock_aws():
        client = boto3.client("ecr", region_name="us-east-1")
        put(client, "latest")
        role = f"arn:aws:iam::{ACCOUNT}:role/admin"
        done = call(*FRESH, "tike", "--region", "us-east-1", "--role-arn", role, "--format", "stsci")
        found = yaml.safe_load(done.out)
        assert (done.status, found["repositoryName"], found["registryId"]) == (10, "tike", ACCOUNT)
        assert (
            found["imageScanFindings"]["findings"][0]["cve_status"]
            == "CVE-9999-9999 -- HIGH -- unknown -- unknown"
        )
        done = call(*FRESH, "tike", "missing", "--region", "us-east-1", "--json")
        last: dict[str, Any] = json.loads(done.out.splitlines()[-1])
        assert done.status == 11
        assert [scan["complete"] for scan in last["scans"]] == [True, False]
        assert "very-secret" not in done.out + done.err


def test_an_image_that_cannot_be_asked_for_does_not_hide_others(call: Call, findings: Path) -> None:
    pytest.importorskip("boto3")
    done = call("--offline", *FRESH, "tike", "--from-file", str(findings), "--fail-on", "high")
    assert done.status == 10
    assert "no network is to be used" in done.err
    assert call("--offline", *FRESH, "tike").status == 11


def test_without_boto3(call: Call, findings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "botocore", None)
    done = call(*FRESH, "tike")
    assert done.status == 7
    assert "slipway[aws]" in done.err
    assert call(*FRESH, "--from-file", str(findings)).status == 0


def test_the_wait_is_an_option(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    monkeypatch.setattr(ecrclient, "PAUSE", 0.01)
    monkeypatch.setattr(ecrclient.Ecr, "_page", lambda *_, **__: state("IN_PROGRESS"))
    start = time.monotonic()
    done = call(*FRESH, "tike", "--region", "us-east-1", "--wait", "0.1")
    assert time.monotonic() - start < 5
    assert done.status == 11
    assert "waiting for 0.1 seconds at most" in done.err
    assert "ECR has not finished its scan" in done.out
