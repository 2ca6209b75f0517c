"""Answers of ECR for tests: real names of fields and real states, our own words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway.events import Note, Reporter
from slipway.scan.adapters import ecr, ecrscan
from slipway.scan.model import Inventory, Scan, System
from tests.scan.advisories.kit import NOW, store

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.events import Event
    from slipway.settings import Settings

Row = dict[str, Any]

ACCOUNT = "123456789012"
DIGEST = "sha256:" + "a" * 64
JAMMY = System("ubuntu", "22.04", "jammy", "Ubuntu 22.04.5 LTS")

MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 7023,
        "digest": "sha256:" + "c" * 64,
    },
    "layers": [],
}


def finding(name: str, severity: str, package: str, version: str, **more: Any) -> Row:
    """As basic scanning lists it."""
    return {
        "name": name,
        "severity": severity,
        "uri": f"http://people.ubuntu.com/~ubuntu-security/cve/{name}",
        "attributes": [
            {"key": "package_version", "value": version},
            {"key": "package_name", "value": package},
            {"key": "CVSS2_VECTOR", "value": "AV:N/AC:L/Au:N/C:P/I:P/A:P"},
            {"key": "CVSS2_SCORE", "value": "7.5"},
        ],
        **more,
    }


def package(name: str, version: str, release: str = "", *, manager: str = "OS", **more: Any) -> Row:
    row = {"name": name, "version": version, "packageManager": manager, **more}
    return row | ({"release": release} if release else {})


def enhanced(name: str, severity: str, *packages: Row, platform: str = "UBUNTU_22_04", **more: Any) -> Row:
    """As Amazon Inspector lists it."""
    details = {"vulnerabilityId": name, "source": "UBUNTU_CVE", "vulnerablePackages": list(packages)}
    image = {"platform": platform, "repositoryName": "tike", "registry": ACCOUNT}
    row = {
        "findingArn": f"arn:aws:inspector2:us-east-1:{ACCOUNT}:finding/0",
        "type": "PACKAGE_VULNERABILITY",
        "status": "ACTIVE",
        "severity": severity,
        "title": f"{name} - some",
        "packageVulnerabilityDetails": details | more.pop("details", {}),
        "resources": [{"type": "AWS_ECR_CONTAINER_IMAGE", "details": {"awsEcrContainerImage": image}}],
    }
    return row | more


def page(
    *rows: Row,
    status: str = "COMPLETE",
    counts: dict[str, int] | None = None,
    description: str = "The scan was completed successfully.",
    **more: Any,
) -> Row:
    """One page; rows of enhanced findings are told by their type."""
    theirs = [row for row in rows if "type" in row]
    basic = [row for row in rows if "type" not in row]
    if counts is None:
        counts = {}
        for row in rows:
            counts[row["severity"]] = counts.get(row["severity"], 0) + 1
    found = {
        "imageScanCompletedAt": "2026-11-20T12:00:00+00:00",
        "vulnerabilitySourceUpdatedAt": "2026-11-20T06:00:00+00:00",
        "findingSeverityCounts": counts,
        **({"findings": basic} if basic or not theirs else {}),
        **({"enhancedFindings": theirs} if theirs else {}),
    }
    return {
        "registryId": ACCOUNT,
        "repositoryName": "tike",
        "imageId": {"imageDigest": DIGEST, "imageTag": "latest"},
        "imageScanStatus": {"status": status, "description": description},
        "imageScanFindings": found,
        **more,
    }


def state(status: str, description: str = "why it is so") -> Row:
    """A page of a scan that has no findings."""
    found = page(status=status, description=description)
    del found["imageScanFindings"]
    return found


def saved(path: Path, *pages: Row) -> Path:
    path.write_text("\n".join(json.dumps(each, indent=2) for each in pages))
    return path


class Heard:
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reporter = Reporter(self.events.append)

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]


def scanned(
    settings: Settings,
    *pages: Row,
    inventory: Inventory | None = None,
    release: System = System(),  # noqa: B008 - a value
    region: str = "",
    reporter: Reporter | None = None,
    now: float = NOW,
) -> Scan:
    (answer,) = ecr.answers(pages)
    with store(settings) as opened:
        return ecrscan.scan(
            answer, inventory, release, opened, settings, reporter or Reporter(), region=region, now=now
        )


def put(client: Any, *tags: str, repository: str = "tike") -> str:
    """An image under these tags, scanned; its digest."""
    client.create_repository(repositoryName=repository)
    digest = ""
    for tag in tags:
        image = client.put_image(repositoryName=repository, imageManifest=json.dumps(MANIFEST), imageTag=tag)[
            "image"
        ]
        digest = image["imageId"]["imageDigest"]
    client.start_image_scan(repositoryName=repository, imageId={"imageDigest": digest})
    return digest
