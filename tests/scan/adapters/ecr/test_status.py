"""What distributions say of ECR's findings: of the package and its source, in the image's own release."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import UsageError
from slipway.scan.adapters.ecrrelease import release
from slipway.scan.model import Component, Scan, System
from tests.scan.adapters.ecr.kit import (
    ACCOUNT,
    DIGEST,
    JAMMY,
    Heard,
    enhanced,
    finding,
    package,
    page,
    scanned,
    state,
)
from tests.scan.advisories.debian.kit import Mirror, Package, deb, entry
from tests.scan.advisories.debian.kit import bring as bring_suites
from tests.scan.advisories.kit import (
    BOOKWORM,
    NOW,
    OPENSSL,
    OPENSSL_DSA,
    archive,
    bring,
    component,
    inventory,
    settings_in,
)

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.settings import Settings

CVE = "CVE-2023-0464"
BOOKWORM_TRACKER = {
    "openssl": {
        CVE: {"releases": {"bookworm": {"status": "resolved", "fixed_version": "3.0.9-1", "urgency": "low"}}}
    },
    "libb": {
        CVE: {
            "releases": {
                "bookworm": {"status": "open", "urgency": "not yet assigned", "nodsa_reason": "postponed"}
            }
        }
    },
}


def row(name: str, status: str, said: str = "", codename: str = "jammy", **more: str) -> dict[str, Any]:
    return {
        "name": name,
        "statuses": [{"release_codename": codename, "status": status, "description": said, **more}],
    }


# One CVE, a different status in each package.
UBUNTU = {
    "id": CVE,
    "priority": "medium",
    "updated_at": "2026-11-19T00:00:00",
    "packages": [
        row("liba", "released", "1.2-1ubuntu0.1"),
        row("libb", "needed"),
        row("libc", "not-affected", "code not present"),
        row("libd", "needs-triage"),
        row("libe", "ignored", "end of life"),
        row("libf", "deferred"),
        row("libg", "released", "1.2-1ubuntu0.1", pocket="esm-infra"),
        row("libh", "released"),
        row("libi", "DNE"),
        row("libj", "needed", codename="focal"),
    ],
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_in(tmp_path)
    path = tmp_path / "ubuntu.json"
    path.write_text(json.dumps({"cves": [UBUNTU]}))
    bring(found, "ubuntu", path)
    path.write_text(json.dumps(BOOKWORM_TRACKER))
    bring(found, "debian-tracker", path)
    return found


def status(scan: Scan, name: str) -> tuple[str, str, tuple[str, ...]]:
    (found,) = [f for f in scan.findings if f.component.name == name]
    return found.status, found.fix_state, found.fixed


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("liba", ("affected", "fixed", ("1.2-1ubuntu0.1",))),
        ("libb", ("affected", "not-fixed", ())),
        ("libc", ("not_affected", "unknown", ())),
        ("libd", ("under_investigation", "unknown", ())),
        ("libe", ("affected", "wont-fix", ())),
        ("libf", ("affected", "deferred", ())),
        ("libg", ("affected", "wont-fix", ())),  # the fix is for subscribers only
        ("libh", ("affected", "unknown", ())),  # released, nobody says in which version
        ("libi", ("affected", "unknown", ())),  # what is not in the release is from elsewhere
        ("libj", ("affected", "unknown", ())),  # of another release only
        ("libz", ("affected", "unknown", ())),
    ],
)
def test_each_package_has_its_own_status(settings: Settings, name: str, expected: tuple[Any, ...]) -> None:
    rows = [finding(CVE, "HIGH", f"lib{letter}", "1.2-1") for letter in "abcdefghijz"]
    scan = scanned(settings, page(*rows), release=JAMMY)
    assert status(scan, name) == expected
    assert len(scan.findings) == len(rows)


def test_what_is_installed_already_has_the_fix(settings: Settings) -> None:
    scan = scanned(settings, page(finding(CVE, "HIGH", "liba", "1.2-1ubuntu0.1")), release=JAMMY)
    (found,) = scan.findings
    assert (found.status, found.open) == ("fixed", False)
    assert found.provenance == ("ecr basic 2026-11-20", "ubuntu 2026-11-19")


def test_another_release_has_another_status(settings: Settings) -> None:
    found = page(finding(CVE, "HIGH", "libj", "1.2-1"))
    assert status(scanned(settings, found, release=release("focal")), "libj") == ("affected", "not-fixed", ())
    assert status(scanned(settings, found, release=release("debian-12")), "libj")[1] == "unknown"


def test_another_cve_of_the_package_has_another_status(settings: Settings) -> None:
    scan = scanned(settings, page(finding("CVE-2023-9", "HIGH", "liba", "1.2-1")), release=JAMMY)
    assert status(scan, "liba") == ("affected", "unknown", ())


def test_without_a_release_nothing_is_known_and_that_is_said(settings: Settings) -> None:
    heard = Heard()
    scan = scanned(settings, page(finding(CVE, "HIGH", "liba", "1.2-1")), reporter=heard.reporter)
    assert status(scan, "liba") == ("affected", "unknown", ())
    (note,) = heard.notes
    assert "of which release it is, is not known" in note
    assert [feed.name for feed in scan.feeds] == ["ecr"]


def test_the_release_is_that_of_the_image(settings: Settings) -> None:
    """What is asked for counts where the image does not say; what Inspector saw, where nobody does."""
    seen = page(enhanced(CVE, "HIGH", package("liba", "1.2", "1")))
    assert status(scanned(settings, seen), "liba")[1] == "fixed"
    assert status(scanned(settings, seen, release=release("focal")), "liba")[1] == "unknown"
    image = inventory(component("deb", "liba", "1.2-1"), system=JAMMY)
    scan = scanned(settings, seen, inventory=image, release=release("focal"))
    assert status(scan, "liba")[1] == "fixed"
    assert scan.inventory.system == JAMMY


def test_packages_are_those_of_the_image(settings: Settings) -> None:
    """By their own name, or by that of their source; a library is not mistaken for a source of that name."""
    library = component(
        "deb", "libcrypto", "3.0.8-1+b1", source_name="openssl", source_version="3.0.8-1", arch="amd64"
    )
    image = inventory(library, system=BOOKWORM)
    rows = [
        finding(CVE, "HIGH", "libcrypto", "3.0.8-1+b1"),
        finding("CVE-2023-2", "LOW", "openssl", "3.0.8-1"),
    ]
    heard = Heard()
    scan = scanned(settings, page(*rows), inventory=image, reporter=heard.reporter)
    assert heard.notes == []
    by_source = [f.component for f in scan.findings if f.id == "CVE-2023-2"]
    assert status(scan, "libcrypto") == ("affected", "fixed", ("3.0.9-1",))
    assert library in [f.component for f in scan.findings]
    assert [(c.kind, c.source_name, c.purl) for c in by_source] == [
        ("deb", "openssl", "pkg:deb/debian/openssl@3.0.8-1?distro=debian-12")
    ]
    rows.append(finding("CVE-2023-3", "LOW", "bash", "5.2"))
    scanned(settings, page(*rows), inventory=image, reporter=heard.reporter)
    assert heard.notes == ["tike:latest: 1 findings are in packages that are not in image:1"]


def test_headers_are_classed_apart(settings: Settings) -> None:
    headers = component("deb", "linux-libc-dev", "6.1.69-1", source_name="linux", source_version="6.1.69-1")
    scan = scanned(settings, page(finding(CVE, "HIGH", "linux", "6.1.69-1")), inventory=inventory(headers))
    assert [f.class_ for f in scan.findings] == ["headers"]


def test_the_tracker_and_osv(settings: Settings, tmp_path: Path) -> None:
    rows = [finding(CVE, "HIGH", "openssl", "3.0.8-1"), finding(CVE, "HIGH", "libb", "1")]
    scan = scanned(settings, page(*rows), release=BOOKWORM)
    assert status(scan, "openssl") == ("affected", "fixed", ("3.0.9-1",))
    assert status(scan, "libb") == ("affected", "deferred", ())
    only_osv = settings_in(tmp_path / "other")
    bring(only_osv, "osv:Debian", archive(tmp_path / "all.zip", [OPENSSL, OPENSSL_DSA]))
    scan = scanned(only_osv, page(*rows), release=BOOKWORM)
    assert status(scan, "openssl") == ("affected", "fixed", ("3.0.9-1",))
    assert status(scan, "libb") == ("affected", "unknown", ())
    assert [feed.name for feed in scan.feeds] == ["ecr", "osv:Debian"]
    newer = page(finding(CVE, "HIGH", "openssl", "3.0.9-1"))
    assert status(scanned(only_osv, newer, release=BOOKWORM), "openssl")[0] == "fixed"


def test_the_suites(tmp_path: Path) -> None:
    """They know what is mended in a newer version, of whatever is built from the source, and of nothing else."""
    mirror = Mirror(tmp_path / "mirror")
    changes = entry("openssl", "3.0.9-1", "Fix CVE-2023-2222.") + entry("openssl", "3.0.8-1")
    mirror.publish("bookworm", Package("base-files", "12.4"))
    mirror.publish("bookworm-updates", Package("base-files", "12.4"))
    mirror.publish("bookworm-security", Package("libssl3", "3.0.9-1", "openssl", changelog=changes))
    settings = settings_in(tmp_path)
    bring_suites(settings, mirror)
    library = deb("libssl3", "3.0.8-1", "openssl")
    rows = [
        finding("CVE-2023-2222", "LOW", "openssl", "3.0.8-1"),
        finding("CVE-2023-3", "LOW", "libssl3", "3.0.8-1"),
    ]
    scan = scanned(settings, page(*rows), inventory=inventory(library))
    assert status(scan, "openssl") == ("affected", "fixed", ("3.0.9-1",))
    assert status(scan, "libssl3") == ("affected", "unknown", ())
    assert [feed.name for feed in scan.feeds] == ["ecr", "suites:bookworm"]
    scan = scanned(settings, page(finding("CVE-2023-2222", "LOW", "libssl3", "3.0.8-1")), release=BOOKWORM)
    assert status(scan, "libssl3") == (
        "affected",
        "unknown",
        (),
    )  # only the image tells what it was built from


def test_the_scan_tells_all_that_ecr_does(settings: Settings) -> None:
    scan = scanned(settings, page(), region="us-east-1")
    assert scan.inventory.name == f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/tike:latest"
    assert (scan.inventory.digest, scan.time, scan.complete) == (DIGEST, "2026-11-20T12:00:00Z", True)
    assert dict(scan.inventory.labels) == {
        "ecr.registryId": ACCOUNT,
        "ecr.scanStatus": "COMPLETE",
        "ecr.scanDescription": "The scan was completed successfully.",
    }
    assert scanned(settings, state("FAILED")).problems == ("ECR's scan ended as FAILED: why it is so",)


def test_an_old_scan_is_not_complete(settings: Settings) -> None:
    month = NOW + 30 * 86400
    assert scanned(settings, page(), now=month).problems == ("ECR's findings are 31 days old",)
    assert scanned(settings.with_(advisories_max_age=0), page(), now=month).complete
    undated = page()
    del undated["imageScanFindings"]["imageScanCompletedAt"]
    del undated["imageScanFindings"]["vulnerabilitySourceUpdatedAt"]
    assert scanned(settings, undated).problems == ("ECR does not say how old its findings are",)


def test_what_ecr_does_not_look_at_is_uncovered(settings: Settings) -> None:
    own = component("deb", "liba", "1.2-1")
    conda, wheel = component("conda", "numpy", "2.0"), component("pypi", "jinja2", "3.1.3")
    owned = replace(component("pypi", "six", "1.16"), owner="pkg:deb/debian/python3-six")
    image = inventory(own, conda, wheel, owned, system=JAMMY)
    basic = scanned(settings, page(), inventory=image)
    assert [u.component for u in basic.uncovered] == [conda, wheel]
    assert basic.uncovered[0].why == "ECR's basic scanning does not look at conda packages"
    whole = scanned(settings, page(enhanced(CVE, "HIGH", package("liba", "1.2", "1"))), inventory=image)
    assert [u.component for u in whole.uncovered] == [conda]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("jammy", System("ubuntu", "22.04", "jammy")),
        ("Ubuntu-22.04", System("ubuntu", "22.04", "jammy")),
        ("ubuntu:22.04", System("ubuntu", "22.04", "jammy")),
        ("bookworm", System("debian", "12", "bookworm")),
        ("debian-12", System("debian", "12", "bookworm")),
        ("alpine-3.20", System("alpine", "3.20")),
    ],
)
def test_releases(text: str, meant: System) -> None:
    assert release(text) == meant


@pytest.mark.parametrize("text", ["", "ubuntu", "22.04", "jammy jellyfish", "--"])
def test_releases_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="is no release"):
        release(text)


def test_a_component_is_looked_up_once_for_each_of_its_names(settings: Settings) -> None:
    """Without a version nobody can say whether it is affected."""
    scan = scanned(settings, page(finding(CVE, "HIGH", "libb", "")), release=JAMMY)
    assert status(scan, "libb") == ("affected", "unknown", ())
    assert isinstance(scan.findings[0].component, Component)
