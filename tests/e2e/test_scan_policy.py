"""The gate of a pipeline, by the command line: an image fails the policy, passes with a waiver, and fails when that has ended."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from slipway.scan.policy.loader import load
from tests.e2e.kit import COMMAND, EXAMPLES, Done, run
from tests.scan.advisories.kit import LODASH, archive, directory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.kit import Home

TODAY = datetime.now(UTC)
WAIVERS = """waivers:
  - id: CVE-2021-23337
    package: lodash
    reason: the site compiles no templates of visitors
    owner: web@example.org
    since: {since:%Y-%m-%d}
    expires: {expires:%Y-%m-%d}
"""


class Pipeline:
    """The example in a directory of its own; advisories are as of today."""

    def __init__(self, home: Home, place: Path) -> None:
        self.home = home
        self.place = place
        shutil.copytree(EXAMPLES / "scan-policy", place)
        record = {**LODASH, "modified": f"{TODAY - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"}
        self.advisories = directory(place.parent / "advisories", [record])
        program = place.parent / "bin/slipway"
        program.parent.mkdir()
        python, _, code = COMMAND
        program.write_text(f'#!/bin/sh\nexec {python} -c "{code}" "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def waive(self, since: int, expires: int) -> None:
        """From and until so many days from today."""
        days = {"since": TODAY + timedelta(days=since), "expires": TODAY + timedelta(days=expires)}
        (self.place / "waivers.yaml").write_text(WAIVERS.format(**days))

    def run(self, status: int) -> Done:
        env = self.home.env | {"ADVISORIES": str(self.advisories)}
        env["PATH"] = f"{self.place.parent / 'bin'}:{env['PATH']}"
        return run([self.place / "ci.sh"], status=status, env=env)


@pytest.fixture
def pipeline(own: Home, tmp_path: Path) -> Pipeline:
    return Pipeline(own, tmp_path / "project")


@pytest.mark.slow
def test_fails_then_passes_with_a_waiver_then_fails_again(pipeline: Pipeline) -> None:
    failed = pipeline.run(status=10)
    assert "CVE-2021-23337" in failed.out
    assert "4.17.21" in failed.out
    assert "scan-policy fails the policy" in failed.err
    pipeline.waive(since=-30, expires=+30)
    passed = pipeline.run(status=0)
    assert "scan-policy may be released" in passed.out
    pipeline.waive(since=-30, expires=0)
    assert "the waiver of CVE-2021-23337 in lodash" in pipeline.run(status=0).out, "the last day counts"
    pipeline.waive(since=-30, expires=-1)
    again = pipeline.run(status=10)
    assert "its waiver ended on" in " ".join(again.out.split())


@pytest.mark.slow
def test_all_other_ways(pipeline: Pipeline, tmp_path: Path) -> None:
    """What a pipeline meets besides: a wrong policy, no advisories, a VEX statement, an approved release."""
    home, place = pipeline.home, pipeline.place
    home.build(place / "image.yaml")
    policy = ("--policy", str(place / "policy.yaml"))
    unknown = home.slipway("scan", "scan-policy", *policy, "--json", status=11).last
    assert unknown["scans"][0]["verdict"]["outcome"] == "unknown"

    bring = (
        "advisories",
        "update",
        "osv:npm",
        "--from",
        archive(tmp_path / "all.zip", [LODASH | {"modified": "2026-01-01T00:00:00Z"}]),
    )
    home.slipway(*bring)
    old = home.slipway("scan", "scan-policy", *policy, status=10)
    assert "days old" in " ".join(old.out.split()), "old advisories do not hide what they know"
    home.slipway("advisories", "update", "osv:npm", "--from", pipeline.advisories)
    home.slipway("scan", "scan-policy", "--fail-on", "high", status=10)
    home.slipway("scan", "scan-policy", "--fail-on", "critical")

    report = tmp_path / "approved.json"
    home.slipway("scan", "scan-policy", "-o", report)
    lenient = tmp_path / "new.yaml"
    lenient.write_text("severity: high\nonly-new: true\n")
    home.slipway("scan", "scan-policy", "--policy", lenient, status=10)
    home.slipway("scan", "scan-policy", "--policy", lenient, "--approved", report)

    vex = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/1",
        "author": "web@example.org",
        "timestamp": "2026-11-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2021-23337"},
                "products": [
                    {"@id": "pkg:oci/scan-policy", "subcomponents": [{"@id": "pkg:npm/lodash@4.17.20"}]}
                ],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            }
        ],
    }
    (tmp_path / "vex.json").write_text(json.dumps(vex))
    home.slipway("scan", "scan-policy", *policy, "--vex", tmp_path / "vex.json")
    vex["statements"][0]["products"] = [{"@id": "pkg:oci/another"}]  # type: ignore[index]
    (tmp_path / "vex.json").write_text(json.dumps(vex))
    home.slipway("scan", "scan-policy", *policy, "--vex", tmp_path / "vex.json", status=10)

    pipeline.waive(since=-30, expires=+300)
    error = home.slipway("scan", "scan-policy", *policy, "--json", status=2).last
    assert (error["code"], error["exit"]) == ("policy", 2)
    assert "allows at most 90" in error["problems"][0]["message"]


def test_the_example_of_a_waiver_is_valid(tmp_path: Path) -> None:
    for name in ("policy.yaml", "waivers.yaml"):
        shutil.copy(EXAMPLES / "scan-policy" / name, tmp_path)
    text = (tmp_path / "waivers.yaml").read_text().replace("waivers: []", "waivers:").replace("\n# ", "\n  ")
    (tmp_path / "waivers.yaml").write_text(text)
    (waiver,) = load(tmp_path / "policy.yaml").waivers
    assert waiver.package == "lodash"
