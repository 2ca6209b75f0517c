"""osv-scanner's results, and plain documents of OSV, which an inventory gives their meaning."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError
from slipway.events import Reporter
from slipway.scan.adapters import merged
from slipway.scan.model import Feed, Level
from tests.scan.adapters.kit import INVENTORY, JINJA, OPENSSL, SSL, read, scan, write
from tests.scan.advisories import kit as osv

if TYPE_CHECKING:
    from pathlib import Path


def scanner(*packages: Any, path: str = "opt/requirements.txt") -> dict[str, Any]:
    return {
        "results": [{"source": {"path": path, "type": "lockfile"}, "packages": list(packages)}],
        "experimental_config": {"licenses": {"summary": False, "allowlist": None}},
    }


def package(ecosystem: str, name: str, version: str, *records: Any, **more: Any) -> dict[str, Any]:
    said = {"name": name, "version": version, "ecosystem": ecosystem, **more.pop("package", {})}
    return {"package": said, "vulnerabilities": list(records), **more}


def test_a_report(tmp_path: Path) -> None:
    groups = [
        {
            "ids": ["GHSA-h75v-3vvj-5mfj"],
            "aliases": ["CVE-2024-34064", "GHSA-h75v-3vvj-5mfj"],
            "max_severity": "5.4",
        }
    ]
    imported = read(tmp_path, scanner(package("PyPI", "Jinja2", "3.1.3", osv.JINJA, groups=groups)))
    assert (imported.format, imported.feed) == ("osv-scanner", Feed("osv-scanner"))
    (finding,) = imported.findings
    assert (finding.id, finding.aliases) == ("CVE-2024-34064", ("GHSA-h75v-3vvj-5mfj",))
    assert (finding.component.kind, finding.component.name) == ("pypi", "jinja2")
    assert finding.component.path == "opt/requirements.txt"
    assert (finding.fixed, finding.severity.level) == (("3.1.4",), Level.MEDIUM)
    assert finding.raw["osv-scanner"]["max_severity"] == "5.4"


def test_a_package_of_debian_is_all_that_its_source_made(tmp_path: Path) -> None:
    report = scanner(package("Debian:12", "openssl", "3.0.8-1", osv.OPENSSL), path="var/lib/dpkg/status")
    found = merged(scan(), [write(tmp_path / "osv.json", report)], Reporter()).findings
    assert [(f.id, f.component, f.fixed) for f in found] == [
        ("CVE-2023-0464", SSL, ("3.0.9-1",)),
        ("CVE-2023-0464", OPENSSL, ("3.0.9-1",)),
    ]
    assert found[0].component.layer == SSL.layer


def test_a_binary_package_is_that_one(tmp_path: Path) -> None:
    more = {"os_package_name": "libssl3"}
    report = scanner(package("Debian:12", "openssl", "3.0.8-1", osv.OPENSSL, package=more))
    found = merged(scan(), [write(tmp_path / "osv.json", report)], Reporter()).findings
    assert [f.component for f in found] == [SSL]


def test_a_bulletin_means_each_of_its_weaknesses(tmp_path: Path) -> None:
    found = read(tmp_path, scanner(package("Debian:12", "openssl", "3.0.8-1", osv.OPENSSL_DSA))).findings
    assert [(f.id, f.aliases) for f in found] == [
        ("CVE-2023-0464", ("DSA-5417-1",)),
        ("CVE-2023-0465", ("DSA-5417-1",)),
    ]


def test_a_score_of_the_group_where_no_one_else_rates(tmp_path: Path) -> None:
    groups = [{"ids": [osv.JINJA_PYSEC["id"]], "max_severity": "9.1"}]
    (finding,) = read(
        tmp_path, scanner(package("PyPI", "jinja2", "3.1.3", osv.JINJA_PYSEC, groups=groups))
    ).findings
    assert (finding.severity.level, finding.severity.score) == (Level.CRITICAL, 9.1)
    groups[0]["max_severity"] = "bad"
    with pytest.raises(InputError, match="max_severity is not a number"):
        read(tmp_path, scanner(package("PyPI", "jinja2", "3.1.3", osv.JINJA_PYSEC, groups=groups)))


def test_withdrawn_says_nothing(tmp_path: Path) -> None:
    record = {**osv.JINJA, "withdrawn": "2026-01-01T00:00:00Z"}
    assert read(tmp_path, scanner(package("PyPI", "jinja2", "3.1.3", record))).findings == ()
    assert merged(scan(), [write(tmp_path / "plain.json", [record])], Reporter()).findings == ()


def test_no_results(tmp_path: Path) -> None:
    imported = read(tmp_path, {"results": [], "experimental_config": {}})
    assert (imported.format, imported.findings) == ("osv-scanner", ())


@pytest.mark.parametrize("form", ["one", "list", "answer"])
def test_plain_documents(tmp_path: Path, form: str) -> None:
    records = [osv.JINJA] if form == "one" else [osv.JINJA, osv.LODASH, osv.OPENSSL]
    value: Any = {"one": records[0], "list": records, "answer": {"vulns": records}}[form]
    report = write(tmp_path / "plain.json", value)
    result = merged(scan(), [report], Reporter())
    assert [f.component for f in result.findings if f.id == "CVE-2024-34064"] == [JINJA]
    expected = [] if form == "one" else [SSL, OPENSSL]
    assert [f.component for f in result.findings if f.id == "CVE-2023-0464"] == expected
    assert (result.problems, result.feeds) == ((), (Feed("osv", "", "2026-11-20T12:00:00Z"),))


def test_plain_documents_leave_owned_packages_to_their_owner(tmp_path: Path) -> None:
    """Distributions mend Python packages of theirs without a new version."""
    owned = replace(JINJA, owner="pkg:deb/debian/python3-jinja2@3.1.3-1")
    inventory = replace(INVENTORY, components=(owned,))
    report = write(tmp_path / "plain.json", osv.JINJA)
    assert merged(scan(inventory=inventory), [report], Reporter()).findings == ()


def test_a_version_that_nobody_understands_is_a_problem(tmp_path: Path) -> None:
    inventory = replace(INVENTORY, components=(replace(JINJA, version="unknown-1"),))
    report = write(tmp_path / "plain.json", osv.JINJA)
    (problem,) = merged(scan(inventory=inventory), [report], Reporter()).problems
    assert "GHSA-h75v-3vvj-5mfj names jinja2" in problem


def test_wrong_types_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"results\[0\]\.packages\[0\]\.vulnerabilities\[0\] is not an object"
    ):
        read(tmp_path, scanner(package("PyPI", "jinja2", "3.1.3", "CVE-2024-34064")))
    with pytest.raises(InputError, match=r"documents\[1\]\.aliases is not a list"):
        read(tmp_path, [osv.JINJA, {**osv.LODASH, "aliases": "CVE"}])
