"""VEX documents: what they say, and what they must not be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from slipway.errors import InputError, UsageError
from slipway.scan.policy.api import judged
from slipway.scan.policy.excuse import excuse
from slipway.scan.policy.model import Policy, Statement
from slipway.scan.policy.vex import read
from slipway.scan.sbom.cyclonedx import document
from tests.scan.policy.kit import DIGEST, JINJA, NOW, SSL, finding, scan, write

PRODUCT = f"pkg:oci/hello@{DIGEST.replace(':', '%3A')}"


def openvex(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex/1",
        "author": "ann",
        "timestamp": "2026-11-01T10:00:00+02:00",
        "version": 1,
        "statements": list(statements),
        **more,
    }


def said(name: str = "CVE-2024-34064", status: str = "not_affected", **more: Any) -> dict[str, Any]:
    why = {"justification": "vulnerable_code_not_present"} if status == "not_affected" else {}
    return {"vulnerability": {"name": name}, "status": status, **why, **more}


def cyclonedx(*vulnerabilities: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": "2026-11-01T10:00:00Z", "authors": [{"name": "bob"}]},
        "vulnerabilities": list(vulnerabilities),
        **more,
    }


def analysed(*affects: dict[str, Any], state: str = "not_affected", **analysis: Any) -> dict[str, Any]:
    analysis.setdefault("justification", "code_not_reachable")
    return {"id": "CVE-2024-34064", "analysis": {"state": state, **analysis}, "affects": list(affects)}


def test_openvex(tmp_path: Path) -> None:
    path = write(
        tmp_path / "v.json",
        openvex(
            said(
                vulnerability={"name": "CVE-1", "aliases": ["GHSA-1"]},
                products=[
                    {
                        "@id": PRODUCT,
                        "subcomponents": [{"@id": JINJA.purl}, {"identifiers": {"purl": SSL.purl}}],
                    },
                    {"@id": "https://example.org/hello", "hashes": {"md5": "0", "sha-256": "a" * 64}},
                ],
            ),
            said("CVE-2", "fixed", timestamp="2026-11-03T00:00:00Z", status_notes="in ours"),
            said("CVE-3", "affected", action_statement="update", last_updated="2026-11-04T00:00:00Z"),
        ),
    )
    first = Statement(
        ("CVE-1", "GHSA-1"),
        "not_affected",
        (PRODUCT,),
        (JINJA.purl, SSL.purl),
        "vulnerable_code_not_present",
        "",
        "ann",
        "2026-11-01T08:00:00Z",
        str(path),
    )
    one, two, three, four = read(path)
    assert one == first
    assert (two.products, two.components) == ((DIGEST,), ())
    assert (three.status, three.time, three.note) == ("fixed", "2026-11-03T00:00:00Z", "in ours")
    assert (four.status, four.time) == ("affected", "2026-11-04T00:00:00Z")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"status": "fixed"}, "names no vulnerability"),
        (said(status="fine"), "'fine' is no status"),
        (said(status="no_support"), "is no status"),
        (said(justification="because"), "'because' is no justification"),
        (said() | {"justification": ""}, "needs a justification or an impact_statement"),
        (
            said() | {"justification": "", "impact_statement": " \n"},
            "needs a justification or an impact_statement",
        ),
        (said(products=[{}]), "neither an id nor a purl"),
        (said(products=[{"subcomponents": [{"@id": "x"}]}]), "neither an id nor a purl"),
        (said(products=[{"@id": "x", "subcomponents": [{}]}]), "neither an id nor a purl"),
        (said(products={"@id": "x"}), "products is not a list"),
        (said(vulnerability="CVE-1"), "vulnerability is not a mapping"),
        (said(timestamp="soon"), "'soon' is not a time"),
        ("CVE-1", "not a mapping"),
    ],
)
def test_what_openvex_does_not_allow(tmp_path: Path, statement: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"v.json: statement 2: .*{message}|v.json: {message}"):
        read(write(tmp_path / "v.json", openvex(said(), statement)))


def test_an_impact_statement_is_enough(tmp_path: Path) -> None:
    one = said() | {"impact_statement": "it is never called"}
    del one["justification"]
    (found,) = read(write(tmp_path / "v.json", openvex(one)))
    assert found.note == "it is never called"


def test_cyclonedx_with_its_parts(tmp_path: Path) -> None:
    bom = document(scan(finding()).inventory)
    ref = bom["components"][0]["bom-ref"]
    bom["vulnerabilities"] = [
        analysed({"ref": ref}, firstIssued="2026-11-02T00:00:00Z", lastUpdated="2026-11-03T00:00:00Z"),
        analysed({"ref": "image"}, state="exploitable"),
        {"id": "CVE-3", "affects": [{"ref": ref}]},
    ]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is None
    one, two = read(write(tmp_path / "v.json", bom))
    assert (one.ids, one.status, one.products, one.components) == (
        ("CVE-2024-34064",),
        "not_affected",
        (DIGEST,),
        (JINJA.purl,),
    )
    assert (one.justification, one.time) == ("vulnerable_code_not_in_execute_path", "2026-11-03T00:00:00Z")
    assert (two.status, two.components) == ("affected", ())


def test_cyclonedx_that_links_to_our_document(tmp_path: Path) -> None:
    """A VEX document alone names the parts of a bill of materials by its serial number (BOM-Link)."""
    here = scan(finding())
    bom = document(here.inventory)
    link = f"urn:cdx:{bom['serialNumber'].removeprefix('urn:uuid:')}/1#0%3A{JINJA.purl.replace('@', '%40')}"
    vex = cyclonedx(analysed({"ref": link}))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(vex)) is None
    statements = read(write(tmp_path / "v.json", vex))
    assert excuse(here, (), statements, now=NOW).findings[0].vex == "not affected: not affected (bob)"
    assert not excuse(scan(finding(), name="another"), (), statements, now=NOW).findings[0].vex


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("resolved", "fixed"),
        ("resolved_with_pedigree", "fixed"),
        ("exploitable", "affected"),
        ("in_triage", "under_investigation"),
        ("false_positive", "not_affected"),
        ("not_affected", "not_affected"),
    ],
)
@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6"])
def test_states(tmp_path: Path, state: str, status: str, version: str) -> None:
    vex = cyclonedx(analysed({"ref": JINJA.purl}, state=state), specVersion=version)
    (one,) = read(write(tmp_path / "v.json", vex))
    assert one.status == status


def test_versions(tmp_path: Path) -> None:
    versions = [
        {"version": "3.1.2", "status": "unaffected"},
        {"version": "3.1.3", "status": "affected"},
        {"version": "3.1.4"},
        {"version": "3.1.5", "status": "unknown"},
        {"range": "vers:pypi/<3", "status": "unaffected"},
    ]
    good, bad = (
        analysed({"ref": "pkg:pypi/jinja2@1?a=b", "versions": versions}, state=state)
        for state in ("not_affected", "exploitable")
    )
    vex = cyclonedx(good, bad)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(vex)) is None
    found = read(write(tmp_path / "v.json", vex))
    of_each = [
        ("not_affected", ("pkg:pypi/jinja2@3.1.2?a=b",), ()),
        ("affected", ("pkg:pypi/jinja2@3.1.3?a=b", "pkg:pypi/jinja2@3.1.4?a=b"), ()),
        ("under_investigation", ("pkg:pypi/jinja2@3.1.5?a=b",), ()),
        ("not_affected", ("pkg:pypi/jinja2?a=b",), ("vers:pypi/<3",)),
    ]
    assert [(s.status, s.components, s.ranges) for s in found] == of_each * 2
    assert [s.note for s in found] == [
        "not affected",
        "unaffected version",
        "unaffected version",
        "not affected",
        *("unaffected version", "exploitable", "unaffected version", "unaffected version"),
    ]


@pytest.mark.parametrize(
    ("state", "told", "status"),
    [
        ("resolved", "unaffected", "fixed"),
        ("resolved", "affected", "affected"),
        ("false_positive", "unaffected", "not_affected"),
        ("in_triage", "affected", "under_investigation"),
        ("in_triage", "unaffected", "not_affected"),
        ("exploitable", "unknown", "under_investigation"),
        ("not_affected", "unknown", "under_investigation"),
    ],
)
def test_statuses_of_versions(tmp_path: Path, state: str, told: str, status: str) -> None:
    row = {"ref": JINJA.purl, "versions": [{"range": "vers:pypi/*", "status": told}]}
    (one,) = read(write(tmp_path / "v.json", cyclonedx(analysed(row, state=state))))
    assert one.status == status


def of_ranges(tmp_path: Path, *rows: tuple[str, str], purl: str = JINJA.purl) -> tuple[Statement, ...]:
    versions = [{"range": span, "status": status} for span, status in rows]
    vex = cyclonedx(analysed({"ref": purl, "versions": versions}))
    return read(write(tmp_path / "v.json", vex))


@pytest.mark.parametrize(
    ("rows", "good"),
    [
        ([("vers:pypi/>=3|<4", "unaffected")], True),
        ([("vers:pypi/>=3|<3.1.3", "unaffected")], False),
        ([("vers:pypi/<3", "affected"), ("vers:pypi/>=3", "unaffected")], True),
        ([("vers:pypi/>3", "unknown"), ("vers:pypi/>=3", "unaffected")], False),
        ([("vers:pypi/<4", "affected"), ("vers:pypi/>=3", "unaffected")], False),
        ([("vers:generic/>=3", "unaffected")], False),
        ([("vers:deb/>=3", "unaffected")], False),
        ([("3.x", "unaffected")], False),
        ([("vers:generic/<2", "affected"), ("vers:pypi/>=3", "unaffected")], False),
    ],
)
def test_ranges(tmp_path: Path, rows: list[tuple[str, str]], good: bool) -> None:
    """The package is of 3.1.3. Of what nobody can tell, nothing is excused."""
    statements = of_ranges(tmp_path, *rows)
    assert bool(excuse(scan(finding()), (), statements, now=NOW).findings[0].vex) is good


def test_a_range_of_a_source_package(tmp_path: Path) -> None:
    purl = "pkg:deb/debian/openssl@1?arch=source"
    epochs = replace(SSL, version="9:1", source_version="3.0.8-1")
    for span, good in (("vers:deb/<4", True), ("vers:deb/>4", False)):
        statements = of_ranges(tmp_path, (span, "unaffected"), purl=purl)
        here = scan(finding(component=epochs))
        assert bool(excuse(here, (), statements, now=NOW).findings[0].vex) is good


def test_what_nobody_can_tell_is_told(tmp_path: Path) -> None:
    statements = of_ranges(tmp_path, ("vers:generic/>=3", "unaffected"), ("vers:pypi/<9", "unaffected"))
    judged_ = judged(scan(finding()), policy=None, now=NOW, vex=statements)
    path = tmp_path / "v.json"
    note = (
        f"nobody can tell whether {path} means jinja2 3.1.3: 'vers:generic/>=3': the order of versions of 'generic' is "
        "not known here"
    )
    assert judged_.notes == (note,)
    assert judged_.scan.findings[0].vex, "the other one is clear"
    with_policy = judged(scan(finding()), policy=Policy(), now=NOW, vex=statements).verdict
    assert with_policy is not None
    assert with_policy.notes == (note,)
    odd = scan(finding(component=replace(JINJA, version="2004d")))
    (other,) = judged(odd, policy=None, now=NOW, vex=statements[1:]).notes
    assert "'2004d' is not a version" in other
    assert judged(scan(finding("CVE-1")), policy=None, now=NOW, vex=statements).notes == ()


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ([{}], "neither a version nor a range"),
        ([{"version": "1", "range": "vers:pypi/1"}], "neither a version nor a range"),
        ([{"version": "1", "status": "fine"}], "'fine' is no status of a version"),
        ([{"range": 5}], "range is not a text"),
    ],
)
def test_versions_that_are_none(tmp_path: Path, versions: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path / "v.json", cyclonedx(analysed({"ref": JINJA.purl, "versions": versions}))))


@pytest.mark.parametrize(
    ("part", "good"),
    [
        ({"@id": "pkg:pypi/jinja2"}, True),
        ({"@id": "pkg:pypi/Jinja2@3.1.3"}, True),
        ({"@id": "pkg:pypi/jinja2?a=b"}, False),
        ({"@id": "urn:x", "identifiers": {"purl": "pkg:pypi/jinja2"}}, True),
        ({"@id": "pkg:pypi/other", "identifiers": {"purl": "pkg:pypi/jinja2"}}, True),
        ({"@id": "pkg:pypi/jinja2", "identifiers": {"cpe23": "cpe:2.3:a:x:y"}}, True),
        ({"identifiers": {"cpe23": "cpe:2.3:a:x:y"}}, False),
        ({"hashes": {"sha-512": "b" * 128}}, False),
        ({"@id": "pkg:pypi/jinja2@3.1.3", "hashes": {"sha-256": "b" * 64}}, True),
        ({"@id": "pkg:pypi/jinja2@3.1.3?a=b", "hashes": {"sha-256": "b" * 64}}, False),
        ({"@id": "pkg:pypi/jinja2?a=b@c", "hashes": {"sha-256": "b" * 64}}, False),
        ({"@id": "pkg:pypi/jinja2", "hashes": {"sha-256": "b" * 64}}, False),
        ({"@id": "pkg:pypi/jinja2", "hashes": {"sha-512": "b" * 128}}, False),
        ({"@id": "pkg:pypi/jinja2@3.1.3", "hashes": {"sha-512": "b" * 128}}, True),
    ],
)
def test_names_of_openvex(tmp_path: Path, part: dict[str, Any], good: bool) -> None:
    """As a part of the image, and as a product for itself. A hash without a version means one that nobody can name."""
    for product in ({"@id": PRODUCT, "subcomponents": [part]}, part):
        found = read(write(tmp_path / "v.json", openvex(said(products=[product]))))
        assert bool(excuse(scan(finding()), (), found, now=NOW).findings[0].vex) is good


def test_an_image_is_named_by_its_digest(tmp_path: Path) -> None:
    """Whatever else it is called."""
    for digest, good in ((DIGEST, True), ("sha256:" + "b" * 64, False)):
        product = {"@id": "pkg:oci/hello@1", "hashes": {"sha-256": digest[7:], "sha-512": "0"}}
        found = read(write(tmp_path / "v.json", openvex(said(products=[product]))))
        assert bool(excuse(scan(finding()), (), found, now=NOW).findings[0].vex) is good


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (cyclonedx(analysed({"ref": "x"}, state="fine")), "'fine' is no state"),
        (cyclonedx(analysed({"ref": "x"}, justification="")), "needs a justification or a detail"),
        (cyclonedx(analysed({})), "without a name"),
        (cyclonedx({"analysis": {"state": "resolved"}}), "has no id"),
        (cyclonedx(specVersion="1.3"), "CycloneDX '1.3'"),
        (cyclonedx(specVersion="2.0"), "CycloneDX '2.0'"),
        (cyclonedx(components={}), "components is not a list"),
        (openvex() | {"@context": "https://openvex.dev/ns"}, "OpenVEX of the context"),
        (openvex() | {"@context": "https://openvex.dev/ns/v9"}, "OpenVEX of the context"),
        ({"document": {"category": "csaf_vex"}}, "no VEX document that is known here"),
        ([], "no VEX document that is known here"),
    ],
)
def test_other_documents(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path / "v.json", value))


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b"\xff", b'{"a": 1e99999'])
def test_damaged_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "v.json").write_bytes(data)
    with pytest.raises(InputError, match="not valid JSON"):
        read(tmp_path / "v.json")


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path, Path("a\0b")):
        with pytest.raises(UsageError, match="cannot read"):
            read(path)
