"""Several scanners about one image: each weakness of each package once, with all who say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.events import Note, Reporter
from slipway.scan.adapters import findings, fits, merged
from slipway.scan.document import read as read_scan
from slipway.scan.document import written
from slipway.scan.model import Finding, Inventory, Level
from tests.scan.adapters.kit import (
    APP,
    BASE,
    CONFIG,
    DIFF_APP,
    DIFF_BASE,
    HEADERS,
    INVENTORY,
    JINJA,
    MANIFEST,
    OPENSSL,
    OWN,
    SSL,
    grype,
    grype_match,
    grype_python,
    os_packages,
    python_packages,
    python_row,
    read,
    scan,
    trivy,
    trivy_row,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.scan.model import Scan

OTHER = "sha256:" + "9" * 64


def together(tmp_path: Path, own: Scan, *reports: Any, reporter: Reporter | None = None) -> Scan:
    paths = [write(tmp_path / f"report{n}.json", report) for n, report in enumerate(reports)]
    return merged(own, paths, reporter or Reporter())


def test_three_who_say_the_same(tmp_path: Path) -> None:
    result = together(
        tmp_path,
        scan(OWN),
        trivy(os_packages(trivy_row()), python_packages(python_row())),
        grype(grype_match(), grype_python()),
    )
    ssl, jinja = result.findings
    assert (ssl.component, ssl.id) == (SSL, "CVE-2023-0464")
    assert ssl.provenance == ("osv:Debian 2026-11-20", "trivy 0.70.0", "grype 0.104.1")
    assert ssl.aliases == ("DEBIAN-CVE-2023-0464", "DSA-5417-1")
    # whom to believe for a package of Debian: Debian
    assert (ssl.severity.level, ssl.severity.origin) == (Level.LOW, "debian")
    assert ssl.raw.keys() == {"trivy", "grype"}
    # Trivy knows it as a CVE, Grype by GitHub's name
    assert (jinja.component, jinja.id, jinja.aliases) == (JINJA, "CVE-2024-34064", ("GHSA-h75v-3vvj-5mfj",))
    assert jinja.provenance == ("trivy 0.70.0", "grype 0.104.1")
    assert jinja.fixed == ("3.1.4", "4.0")
    assert [feed.name for feed in result.feeds] == ["trivy", "grype"]
    assert result.complete


def test_one_weakness_of_two_packages_stays_two(tmp_path: Path) -> None:
    other = trivy_row(
        PkgID="openssl@3.0.8-1",
        PkgName="openssl",
        PkgIdentifier={"PURL": "pkg:deb/debian/openssl@3.0.8-1?arch=amd64&distro=debian-12.4"},
    )
    found = together(tmp_path, scan(OWN), trivy(os_packages(trivy_row(), other))).findings
    assert [f.component for f in found] == [SSL, OPENSSL]


def test_what_only_the_other_sees_is_kept(tmp_path: Path) -> None:
    row = trivy_row(
        "CVE-2021-38561",
        VendorIDs=[],
        PkgName="golang.org/x/text",
        PkgIdentifier={"PURL": "pkg:golang/golang.org/x/text@v0.3.5"},
        InstalledVersion="v0.3.5",
        FixedVersion="0.3.7",
    )
    target = {"Target": "usr/bin/git-lfs", "Class": "lang-pkgs", "Type": "gobinary", "Vulnerabilities": [row]}
    result = together(tmp_path, scan(OWN), trivy(os_packages(), target))
    own, other = result.findings
    assert own == OWN
    assert (other.component.kind, other.component.name) == ("generic", "golang.org/x/text")
    assert other.component.path == "usr/bin/git-lfs"
    assert read_scan(written(result)) == result


def test_a_count_is_of_vulnerabilities_alone(tmp_path: Path) -> None:
    """Counting the word CRITICAL in the document found five here."""
    report = trivy(
        os_packages(trivy_row(Severity="CRITICAL", Title="CRITICAL: read this")),
        {"Target": "x", "Class": "secret", "Secrets": [{"RuleID": "key", "Severity": "CRITICAL"}]},
        {"Target": "y", "Class": "config", "Misconfigurations": [{"Severity": "CRITICAL", "Status": "FAIL"}]},
    )
    notes: list[str] = []
    reporter = Reporter(lambda event: notes.append(event.text) if isinstance(event, Note) else None)
    result = together(tmp_path, scan(), report, reporter=reporter)
    assert [f.severity.level for f in result.findings if f.open] == [Level.CRITICAL]
    assert "1 x misconfiguration, 1 x secret" in notes[0]
    assert result.complete


def test_packages_of_headers_stay_apart(tmp_path: Path) -> None:
    row = trivy_row(
        "CVE-2024-1086",
        PkgName="linux-libc-dev",
        InstalledVersion="6.1.52-1",
        PkgIdentifier={"PURL": "pkg:deb/debian/linux-libc-dev@6.1.52-1?arch=all"},
    )
    (finding,) = together(tmp_path, scan(), trivy(os_packages(row))).findings
    assert (finding.component, finding.class_) == (HEADERS, "headers")


def test_what_another_was_told_to_ignore(tmp_path: Path) -> None:
    """It is not open where nobody else finds it, but excuses nothing that somebody else finds."""
    modified = [
        {
            "Type": "vulnerability",
            "Status": "ignored",
            "Statement": "later",
            "Source": ".trivyignore",
            "Finding": trivy_row(name),
        }
        for name in ("CVE-2023-0464", "CVE-2023-0465")
    ]
    result = together(tmp_path, scan(OWN), trivy(os_packages(ExperimentalModifiedFindings=modified)))
    both, alone = result.findings
    assert (both.open, both.provenance) == (True, ("osv:Debian 2026-11-20", "trivy 0.70.0"))
    assert both.raw["trivy"]["modified"]["Statement"] == "later"
    assert (alone.open, alone.waiver) == (False, "ignored by .trivyignore of Trivy: later")


def test_the_same_whatever_the_order(tmp_path: Path) -> None:
    modified = {"Type": "vulnerability", "Status": "ignored", "Finding": trivy_row()}
    reports = (trivy(os_packages(ExperimentalModifiedFindings=[modified])), grype(grype_match()))
    for given in (reports, reports[::-1]):
        (finding,) = together(tmp_path, scan(), *given).findings
        assert set(finding.provenance) == {"trivy 0.70.0", "grype 0.104.1"}
        assert finding.open


def test_a_package_without_a_kind_is_ours_if_only_one_can_be_meant(tmp_path: Path) -> None:
    text = "Package: libssl3\nInstalled Version: 3.0.8-1\nFixed Version: 3.0.9-1"
    log = {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "Trivy"}},
                "results": [{"ruleId": "CVE-2023-0464", "message": {"text": text}}],
            }
        ],
    }
    (finding,) = together(tmp_path, scan(OWN), log).findings
    assert finding.provenance == ("osv:Debian 2026-11-20", "trivy")
    conda = replace(SSL, kind="conda", purl="pkg:conda/libssl3@3.0.8-1")
    inventory = replace(INVENTORY, components=(conda, SSL))
    assert len(together(tmp_path, scan(OWN, inventory=inventory), log).findings) == 2


def test_problems_of_a_report_make_the_scan_incomplete(tmp_path: Path) -> None:
    result = together(tmp_path, scan(OWN), trivy())
    assert not result.complete
    assert "report0.json: it has no result about packages" in result.problems[0]


def test_a_report_of_another_image_adds_nothing_but_a_problem(tmp_path: Path) -> None:
    name = "registry.example.org/team/other"
    metadata = {"RepoTags": [f"{name}:1"], "RepoDigests": [f"{name}@{OTHER}"], "DiffIDs": [OTHER]}
    report = trivy(os_packages(trivy_row("CVE-2023-9999")), metadata=metadata, ArtifactName=f"{name}:1")
    result = together(tmp_path, scan(OWN), report)
    assert (result.findings, result.feeds) == ((OWN,), ())
    assert "report0.json was left out: it is of registry.example.org/team/other:1" in result.problems[0]


# -- whether it fits -------------------------------------------------------------------------------------------------


def image(name: str = INVENTORY.name, digest: str = MANIFEST, **more: Any) -> Inventory:
    return replace(INVENTORY, name=name, digest=digest, **more)


def built(tmp_path: Path, **metadata: Any) -> Any:
    return read(tmp_path, trivy(os_packages(), metadata=metadata))


def test_the_same_digest_settles_it(tmp_path: Path) -> None:
    report = built(tmp_path, RepoTags=["elsewhere/copy:2"])
    assert fits(report, image()) == ""
    assert fits(report, image("copied:3")) == ""


def test_the_digest_of_the_configuration(tmp_path: Path) -> None:
    report = built(tmp_path, RepoDigests=[])
    assert fits(report, image("docker:team/hello:1", CONFIG)) == ""
    assert f"({CONFIG})" in fits(report, image("docker:team/hello:1", OTHER))
    assert fits(report, image("docker-archive:hello.tar", CONFIG)) == ""


def test_the_digest_of_an_index(tmp_path: Path) -> None:
    """Trivy and Docker tell that of the index, the inventory has that of one platform's manifest."""
    digests = [f"registry.example.org/team/hello@{OTHER}"]
    rows = [{"Digest": BASE, "DiffID": DIFF_BASE}, {"Digest": APP, "DiffID": DIFF_APP}]
    assert fits(built(tmp_path, RepoDigests=digests, Layers=rows), image()) == ""
    assert "not of" in fits(
        built(tmp_path, RepoDigests=digests), image()
    )  # without layers nothing speaks for it
    assert fits(built(tmp_path, RepoDigests=digests), image(f"registry.example.org/team/hello@{OTHER}")) == ""


def test_a_tag_that_was_built_again(tmp_path: Path) -> None:
    rows = [{"Digest": BASE, "DiffID": DIFF_BASE}, {"Digest": OTHER, "DiffID": OTHER}]
    told = fits(built(tmp_path, RepoDigests=[], Layers=rows), image())
    assert "with other layers" in told


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [
        ("python:3.12", "docker.io/library/python:3.12", True),
        ("python", "python:latest", True),
        ("localhost/hello:1", "hello:1", True),
        ("docker:hello:1", "docker:hello:1", True),
        ("hello:1", "hello:2", False),
        ("one.example.org/hello:1", "two.example.org/hello:1", False),
        ("hello:1", "dir:/srv/root", True),  # cannot be told
        ("/tmp/hello.tar", "hello:1", True),
        ("hello:1", f"hello@{OTHER}", True),
    ],
)
def test_names(tmp_path: Path, theirs: str, ours: str, *, same: bool) -> None:
    told = {"userInput": theirs, "repoDigests": [], "layers": [], "imageID": ""}
    reason = fits(read(tmp_path, grype(target=told)), image(ours))
    assert bool(reason) is not same


def test_a_report_that_tells_nothing_of_its_image(tmp_path: Path) -> None:
    assert fits(read(tmp_path, {"results": []}), image()) == ""


def test_a_large_report(tmp_path: Path) -> None:
    """A report of five thousand findings takes no longer than people wait."""
    import time

    rows = [trivy_row(f"CVE-2023-{n:04}") for n in range(1, 5001)]
    path = write(tmp_path / "large.json", trivy(os_packages(*rows)))
    began = time.monotonic()
    result = merged(scan(OWN), [path], Reporter())
    assert len(result.findings) == 5000  # one of them is ours
    assert time.monotonic() - began < 60  # one that compares each with each takes minutes
    assert isinstance(result.findings[0], Finding)
    assert findings(path).format == "trivy"
