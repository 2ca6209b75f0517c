"""Every value of every format in turn replaced by one of another type: it is read, or an `InputError` that names the file."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError
from slipway.events import Reporter
from slipway.scan.adapters import merged
from tests.scan.adapters.kit import (
    OWN,
    grype,
    grype_match,
    grype_python,
    os_packages,
    python_packages,
    python_row,
    scan,
    trivy,
    trivy_row,
    write,
)
from tests.scan.adapters.test_cyclonedx import document, vulnerability
from tests.scan.adapters.test_osv import package, scanner
from tests.scan.adapters.test_sarif import log, result
from tests.scan.advisories import kit as osv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHERS: tuple[Any, ...] = (None, 5, 1e308, True, "\x1b[2J", "x" * 2000, [5], {"a": 1})
_IGNORED = {
    "Type": "vulnerability",
    "Status": "ignored",
    "Statement": "no",
    "Finding": trivy_row("CVE-2023-1"),
}
_GROUP = {"ids": ["GHSA-h75v-3vvj-5mfj"], "aliases": ["CVE-2024-34064"], "max_severity": "5.4"}
REPORTS: dict[str, Any] = {
    "trivy": trivy(
        os_packages(trivy_row(), ExperimentalModifiedFindings=[_IGNORED], Secrets=[{"RuleID": "x"}]),
        python_packages(python_row()),
        metadata={"Layers": [{"Digest": "sha256:1", "DiffID": "sha256:2"}]},
    ),
    "grype": grype(
        grype_match(),
        grype_python(),
        ignoredMatches=[{**grype_match(), "appliedIgnoreRules": [{"reason": "x", "vex-status": "fixed"}]}],
    ),
    "osv-scanner": scanner(package("PyPI", "Jinja2", "3.1.3", osv.JINJA, groups=[_GROUP])),
    "osv": [osv.JINJA, osv.OPENSSL_DSA],
    "sarif": log(
        result(suppressions=[{"kind": "external", "justification": "x"}], ruleIndex=0),
        invocations=[{"executionSuccessful": True, "endTimeUtc": "2026-11-20T10:00:00Z"}],
        properties={"imageName": "x", "repoDigests": ["x@sha256:1"]},
    ),
    "cyclonedx": document(vulnerability(analysis={"state": "resolved", "response": ["update"]})),
}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document: what holds it, and under what."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def refusal(path: Path) -> InputError | None:
    try:
        merged(scan(OWN), [path], Reporter())
    except InputError as error:
        return error
    return None


@pytest.mark.parametrize("name", REPORTS)
def test_every_value_of_every_other_type(tmp_path: Path, name: str) -> None:
    report = copy.deepcopy(REPORTS[name])
    path = tmp_path / "report.json"
    tried = 0
    for holder, key in list(places(report)):
        was = holder[key]
        for other in OTHERS:
            holder[key] = other
            error = refusal(write(path, report))
            assert error is None or str(path) in error.brief
            tried += 1
        holder[key] = was
    assert tried > 100
    assert merged(scan(OWN), [write(path, report)], Reporter()).findings
