"""Reports for programs: the same data in JSON and YAML, valid SARIF and CycloneDX, and how long they take."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import InputError, UsageError
from slipway.scan import reports
from slipway.scan.fingerprint import fingerprint
from slipway.scan.model import Inventory, Level, Scan
from slipway.scan.policy.model import Judged
from slipway.scan.reports.json import read
from tests.scan.reports import kit

ALL = [kit.FAILED, kit.UNREAD, kit.WELL]
# The standard's own schema (OASIS, SARIF 2.1.0 errata 01), as it is.
SARIF = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text())


def sarif(*judged: Judged) -> list[dict[str, Any]]:
    document = json.loads(reports.render("sarif", judged))
    jsonschema.Draft4Validator(SARIF).validate(document)
    runs: list[dict[str, Any]] = document["runs"]
    return runs


def cyclonedx(judged: Judged) -> dict[str, Any]:
    text = reports.render("cyclonedx", [judged])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document: dict[str, Any] = json.loads(text)
    return document


# -- json and yaml -------------------------------------------------------------------------------------------------


def test_json_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(reports.render("json", ALL))
    assert read(path) == ALL


def test_the_last_of_json_lines_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    document = {"type": "result", **json.loads(reports.render("json", [kit.FAILED]))}
    path.write_text('{"type": "note"}\n' + json.dumps(document) + "\n")
    assert read(path) == [kit.FAILED]


def test_findings_have_the_fingerprints_that_reasons_name() -> None:
    rows = json.loads(reports.render("json", [kit.FAILED]))["scans"][0]["findings"]
    name = kit.SCAN.inventory.name
    assert [row["fingerprint"] for row in rows] == [fingerprint(name, f) for f in kit.FINDINGS]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"scans": 1}',
        '{"format": 2, "scans": []}',
        '{"format": 1, "scans": [1]}',
        "[" * 10**5,
    ],
)
def test_what_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        read(path)
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none")


def test_yaml_is_the_same() -> None:
    text = reports.render("yaml", ALL)
    assert yaml.safe_load(text) == json.loads(reports.render("json", ALL))
    assert "id: CVE-2023-38545\n" in text


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_yaml_keeps_any_text(text: str, labels: dict[str, str]) -> None:
    inventory = Inventory(text, labels=tuple(labels.items()))
    judged = [Judged(Scan(inventory, problems=(text, "no", "1e3", "")))]
    assert yaml.safe_load(reports.render("yaml", judged)) == json.loads(reports.render("json", judged))


# -- sarif ---------------------------------------------------------------------------------------------------------


def test_sarif_is_valid_with_a_run_for_each_image() -> None:
    runs = sarif(*ALL)
    assert [run["properties"]["image"] for run in runs] == [j.scan.inventory.name for j in ALL]
    assert [run["invocations"][0]["executionSuccessful"] for run in runs] == [True, False, True]


def test_sarif_says_why_a_scan_is_not_complete() -> None:
    (run,) = sarif(kit.UNREAD)
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert ["no advisories for PyPI have been fetched", "error"] in [
        [n["message"]["text"], n["level"]] for n in notes
    ]


def test_sarif_results() -> None:
    (run,) = sarif(kit.FAILED)
    rules = run["tool"]["driver"]["rules"]
    results = {(r["ruleId"], r["properties"]["purl"]): r for r in run["results"]}
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])

    curl = results["CVE-2023-38545", kit.CURL.purl]
    assert curl["level"] == "error"
    assert "7.88.1-10+deb12u5" in curl["message"]["text"]
    finding = next(f for f in kit.FINDINGS if f.id == "CVE-2023-38545")
    assert curl["partialFingerprints"] == {"slipway/v1": fingerprint(kit.SCAN.inventory.name, finding)}
    rule = rules[curl["ruleIndex"]]
    assert rule["properties"]["security-severity"] == "8.8"
    assert rule["helpUri"] == "https://curl.se/docs/CVE-2023-38545.html"

    assert results["CVE-2024-34064", kit.JINJA.purl]["suppressions"][0]["justification"].startswith(
        "waived: "
    )
    assert results["CVE-2024-22195", kit.JINJA.purl]["suppressions"]
    assert "suppressions" not in curl
    unknown = rules[results["GHSA-xxxx-0000-evil", kit.EVIL.purl]["ruleIndex"]]
    assert "security-severity" not in unknown["properties"]
    assert "helpUri" not in unknown
    assert results["slipway/uncovered-package", kit.NODE.purl]["kind"] == "open"
    assert results["slipway/outdated-package", kit.TZDATA.purl]["level"] == "note"


def test_a_score_that_contradicts_the_level_is_not_told() -> None:
    low = replace(kit.FINDINGS[7], severity=replace(kit.FINDINGS[7].severity, level=Level.LOW))
    (run,) = sarif(Judged(replace(kit.SCAN, findings=(low,))))
    assert run["tool"]["driver"]["rules"][0]["properties"]["security-severity"] == "2.0"


# -- cyclonedx -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("judged", ALL)
def test_cyclonedx_is_valid(judged: Judged) -> None:
    document = cyclonedx(judged)
    assert (document["compositions"][0]["aggregate"] == "complete") is judged.scan.complete
    references = {row["bom-ref"] for row in document["components"]}
    assert all(a["ref"] in references for v in document["vulnerabilities"] for a in v["affects"])


def test_cyclonedx_vulnerabilities() -> None:
    found = {row["id"]: row for row in cyclonedx(kit.FAILED)["vulnerabilities"]}
    curl = found["CVE-2023-38545"]
    assert curl["ratings"][0]["score"] == 8.8
    assert curl["recommendation"] == "update to curl 7.88.1-10+deb12u5"
    assert curl["advisories"] == [{"url": "https://curl.se/docs/CVE-2023-38545.html"}]
    assert "analysis" not in curl
    assert found["CVE-2024-34064"]["analysis"]["state"] == "exploitable"
    assert "security@example.org" in found["CVE-2024-34064"]["analysis"]["detail"]
    vex = found["CVE-2024-22195"]["analysis"]
    assert (vex["state"], vex["justification"]) == ("not_affected", "code_not_present")
    assert found["GHSA-xxxx-0000-evil"]["analysis"] == {"state": "in_triage"}
    assert len(found["CVE-2026-7"]["affects"]) == 2


def test_cyclonedx_has_components_that_only_another_scanner_saw() -> None:
    elsewhere = replace(kit.CURL, name="busybox", purl="pkg:generic/busybox@1")
    judged = Judged(replace(kit.SCAN, findings=(replace(kit.FINDINGS[0], component=elsewhere),)))
    assert "busybox" in [row["name"] for row in cyclonedx(judged)["components"]]


def test_cyclonedx_is_about_one_image() -> None:
    with pytest.raises(UsageError, match="one image"):
        reports.render("cyclonedx", ALL)


# -- all -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("x.json", "json"),
        ("x.cdx.json", "cyclonedx"),
        ("x.sarif", "sarif"),
        ("x.sarif.json", "sarif"),
        ("X.YML", "yaml"),
        ("x.md", "markdown"),
        ("x.html", "html"),
        ("x.txt", "table"),
    ],
)
def test_the_ending_tells_the_format(name: str, form: str) -> None:
    assert reports.by_ending(Path(name)) == form


def test_an_ending_that_tells_nothing() -> None:
    with pytest.raises(UsageError, match="ending"):
        reports.by_ending(Path("report"))


@pytest.mark.parametrize("form", ["json", "yaml", "sarif", "cyclonedx", "markdown", "html"])
def test_thousands_of_findings_take_less_than_a_second(form: str) -> None:
    judged = [kit.many(5000)]
    reports.render(form, [kit.WELL])  # imports are not counted, nor what others do meanwhile
    times = []
    for _ in range(3):
        begun = time.process_time()
        text = reports.render(form, judged)
        times.append(time.process_time() - begun)
        if times[-1] < 1:
            break
    assert min(times) < 1
    assert text == reports.render(form, judged)
