"""`slipway scan diff`, `slipway scan history` and `slipway scan summarize`."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from slipway.scan.history import keep
from slipway.scan.history.rows import BASE
from slipway.scan.model import Level, Scan
from slipway.scan.policy.model import Judged
from slipway.scan.reports import json as report
from slipway.scan.times import stamp
from slipway.settings import load
from tests.scan.advisories.kit import JINJA, JINJA_PYSEC, archive, bring
from tests.scan.history.kit import DIGEST, OTHER, SSL, ZLIB, Ears, deb, finding, scan, waived

NOV20, NOV21, NOV22 = "2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z", "2026-11-22T08:00:00Z"
HIGH, LOW = finding("CVE-1", SSL, Level.HIGH, "3.0.9-1"), finding("CVE-2", ZLIB, Level.LOW)
CRITICAL = finding("CVE-3", ZLIB, Level.CRITICAL, "1.3")


def kept(*scans: Scan) -> None:
    ears = Ears()
    for each in scans:
        keep(Judged(each), load(), ears.reporter)
    assert ears.warnings == []


def saved(path: Path, *scans: Scan) -> str:
    path.write_text(report.render([Judged(each) for each in scans]))
    return str(path)


def trivy(path: Path, name: str, *results: dict[str, Any], **metadata: Any) -> str:
    """A report as Trivy 0.58 writes it."""
    meta = {"OS": {"Family": "debian", "Name": "12.8"}, "RepoTags": [name], **metadata}
    path.write_text(
        json.dumps(
            {
                "SchemaVersion": 2,
                "CreatedAt": NOV21,
                "ArtifactName": name,
                "ArtifactType": "container_image",
                "Metadata": meta,
                "Results": results,
            }
        )
    )
    return str(path)


def packages(*found: tuple[str, str, str]) -> dict[str, Any]:
    rows = [
        {
            "VulnerabilityID": cve,
            "PkgName": name,
            "InstalledVersion": "1.0",
            "Severity": severity,
            "Title": "a CRITICAL word in a title",
            "PkgIdentifier": {"PURL": f"pkg:deb/debian/{name}@1.0?arch=amd64&distro=debian-12.8"},
            **({"FixedVersion": "1.1", "Status": "fixed"} if name != "unfixed" else {"Status": "affected"}),
        }
        for cve, name, severity in found
    ]
    return {"Target": "x (debian 12.8)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": rows}


# -- diff ----------------------------------------------------------------------------------------------------


def test_diff_of_what_is_kept(call: Any) -> None:
    kept(scan(HIGH, LOW, time=NOV20), scan(LOW, CRITICAL, time=NOV21, components=[deb("libssl3", "3.0.9-1")]))
    done = call("scan", "diff", "hello~1", "hello~0")
    assert done.status == 0
    for words in (
        "1 new",
        "CRITICAL  CVE-3",
        "newly known",
        "1 gone",
        "package is 3.0.9-1, was 3.0.8-1",
        "1 upgraded",
    ):
        assert words in done.out
    same = call("scan", "diff", "hello@2026-11-20", "hello@2026-11-21T08:00:00Z", "--json").lines[-1]
    assert [row["id"] for row in same["added"]] == ["CVE-3"]
    assert [row["id"] for row in same["gone"]] == ["CVE-1"]
    assert [row["id"] for row in same["same"]] == ["CVE-2"]
    assert same["packages"][0]["way"] == "upgraded"
    assert same["new"]["time"] == NOV21


@pytest.mark.parametrize(
    ("old", "new", "level", "status"),
    [
        (scan(HIGH), scan(HIGH, CRITICAL), "critical", 10),
        (scan(HIGH), scan(HIGH, LOW), "high", 0),
        (scan(HIGH), scan(HIGH, problems=("x",)), "high", 11),
        (scan(HIGH, problems=("x",)), scan(HIGH), "high", 11),
        (scan(problems=("x",)), scan(HIGH), "high", 11),
        (scan(), scan(HIGH, problems=("x",)), "high", 10),
        (scan(waived(HIGH)), scan(HIGH), "high", 10),
        (scan(HIGH), scan(waived(HIGH)), "low", 0),
    ],
)  # fmt: skip
def test_diff_gates(call: Any, tmp_path: Path, old: Scan, new: Scan, level: str, status: int) -> None:
    files = saved(tmp_path / "old.json", old), saved(tmp_path / "new.json", new)
    done = call("scan", "diff", *files, "--fail-on-new", level)
    assert done.status == status
    words = {0: "passed", 10: "failed", 11: "cannot be told"}[status]
    assert words in done.out.splitlines()[-1]
    assert ("is incomplete: x" in done.out) is not (old.complete and new.complete)
    assert call("scan", "diff", *files).status == 0


def test_diff_as_markdown_and_json(call: Any, tmp_path: Path) -> None:
    nasty = finding("CVE-9|x", deb("a`b", "1"))
    files = saved(tmp_path / "a.json", scan()), saved(tmp_path / "b.json", scan(nasty, image="other:2"))
    text = call("scan", "diff", *files, "--format", "markdown", "--fail-on-new", "low").out
    assert "### 1 new" in text
    assert "**failed" in text
    (row,) = [line for line in text.splitlines() if "CVE-9" in line]
    assert row.replace("\\|", "").count("|") == 6
    data = json.loads(call("scan", "diff", *files, "--format", "json").out)
    assert data["added"][0]["package"] == "a`b"
    assert data["new"]["image"] == "other:2"


def test_diff_with_an_image_that_is_scanned_now(call: Any, tmp_path: Path) -> None:
    """The real path: a directory, advisories in the store, a policy with a waiver."""
    info = tmp_path / "root/usr/lib/python3/jinja2-3.1.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: jinja2\nVersion: 3.1.3\n")
    bring(load(), "osv:PyPI", archive(tmp_path / "all.zip", [JINJA, JINJA_PYSEC]))
    target = f"dir:{tmp_path}/root"
    old = saved(tmp_path / "old.json", scan(image=target, digest="", platform=""))
    asked = ("scan", "diff", old, target, "--fail-on-new", "medium")
    done = call(*asked, "--json")
    assert [row["id"] for row in done.lines[-1]["added"]] == ["CVE-2024-34064"]
    assert done.status in (10, 11)  # by the age of the advisories
    assert call("scan", "history", target).status == 2, "what is compared is not kept"
    policy = tmp_path / "policy.yaml"
    day = stamp(time.time() + 86400)[:10]
    policy.write_text(
        f"severity: high\nwaivers:\n- {{id: CVE-2024-34064, reason: not used, owner: me, expires: {day}}}\n"
    )
    assert call(*asked, "--json", "--policy", str(policy)).lines[-1]["added"] == []


def test_diff_of_what_is_not_there(call: Any, tmp_path: Path) -> None:
    kept(scan(HIGH, time=NOV20))
    two = saved(tmp_path / "two.json", scan(), scan(image="other:1"))
    for argv, words in (
        (("hello~1", "hello~0"), "only 1 scan is kept"),
        (("hello@2026-11-01", "hello~0"), "is of 2026-11-20"),
        (("nothing~0", "hello~0"), "no scan of 'nothing' is kept"),
        ((two, "hello~0"), "other:1"),
    ):
        done = call("scan", "diff", *argv)
        assert done.status == 2, argv
        assert words in done.err
    (tmp_path / "bad.json").write_text("{")
    assert call("scan", "diff", str(tmp_path / "bad.json"), "hello~0").status == 5


# -- history -------------------------------------------------------------------------------------------------


def test_history(call: Any, tmp_path: Path) -> None:
    kept(
        scan(HIGH, CRITICAL, time=NOV20),
        scan(HIGH, time=NOV21, image="hello:2", digest=OTHER),
        scan(time=NOV22, image="hello:2", digest=OTHER, problems=("no advisories",)),
    )
    done = call("scan", "history", "hello", "--plot", str(tmp_path / "x.svg"))
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[1][:8] == ["2026-11-20", "08:00", "hello:1", "1" * 12, "1", "1", "0", "0"]
    assert lines[3][4:8] == ["0+", "0+", "0+", "0+"], "an incomplete scan does not show plain zeros"
    assert "1 scan incomplete" in done.out
    assert ["critical", "█▁▁", "1", "→", "0"] in lines
    assert ET.fromstring((tmp_path / "x.svg").read_text()).get("role") == "img"
    only = call("scan", "history", "hello:2", "--since", "2026-11-22", "--json").lines[-1]["scans"]
    assert [(row["time"], row["complete"], row["open"]["high"]) for row in only] == [(NOV22, False, 0)]


def test_history_fits_a_narrow_terminal(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(scan(HIGH, time=NOV20), scan(HIGH, time=NOV21, problems=("no advisories",)))
    monkeypatch.setattr("slipway.cli.scan_history.is_terminal", lambda _: True)
    heads = {}
    for width in (200, 100, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        shown = call("scan", "history", "hello").out.split("\n\n")[0].splitlines()
        assert max(map(len, shown)) <= width
        heads[width] = shown[0].split()
    assert heads[200][-1] == "UNCOVERED"
    assert heads[100][-1] == "FIXABLE"
    assert heads[80][-1] == "TOTAL"


def test_no_history(call: Any) -> None:
    assert "no scan of 'hello' is kept" in call("scan", "history", "hello").err
    kept(scan(HIGH), scan(HIGH, platform="linux/arm64"))
    done = call("scan", "history", "hello", "--plot", "x.svg")
    assert done.status == 2
    assert "linux/arm64" in done.err
    assert call("scan", "history", "hello", "--since", "lately").status == 2
    assert "--platform" in call("scan", "diff", "hello~0", "hello~0").err


# -- summarize -----------------------------------------------------------------------------------------------


def test_summarize_counts_and_totals(call: Any, tmp_path: Path) -> None:
    """The totals of the original were always 0: a quoted glob."""
    labels = ((BASE, "docker.io/library/python:3.12"),)
    kept(scan(HIGH, CRITICAL, time=NOV20, labels=labels))
    one = saved(tmp_path / "a.json", scan(HIGH, LOW, image="other:1", digest=OTHER))
    done = call("scan", "summarize", "hello:1", one)
    cells = [[word.strip() for word in line.split("  ") if word.strip()] for line in done.out.splitlines()]
    assert cells == [
        ["IMAGE", "BASE", "CRITICAL", "HIGH", "MEDIUM", "LOW"],
        ["hello:1", "docker.io/library/python:3.12", "1", "1", "0", "0"],
        ["other:1", "Debian GNU/Linux 12 (bookworm)", "0", "1", "0", "1"],
        ["TOTAL", "1", "2", "0", "1"],
    ]
    assert done.status == 0
    fixable = call("scan", "summarize", one, "--ignore-unfixed", "--json").lines[-1]
    assert fixable["totals"] == {
        "critical": 0,
        "high": 1,
        "medium": 0,
        "low": 0,
        "negligible": 0,
        "unknown": 0,
    }


def test_summarize_counts_weaknesses_and_not_words(call: Any, tmp_path: Path) -> None:
    """The original counted lines with the word: also of misconfigurations and secrets, and in titles."""
    others = {
        "Target": "/etc/x",
        "Class": "config",
        "Type": "dockerfile",
        "Misconfigurations": [{"ID": "DS002", "Severity": "CRITICAL", "Status": "FAIL", "Title": "t"}],
    }
    secrets = {
        "Target": "/key",
        "Class": "secret",
        "Secrets": [{"RuleID": "aws", "Severity": "CRITICAL", "Title": "t", "StartLine": 1, "Match": "x"}],
    }
    found = packages(("CVE-1", "a", "HIGH"), ("CVE-1", "b", "HIGH"), ("CVE-2", "unfixed", "UNKNOWN"))
    path = trivy(tmp_path / "r.json", "team/app:1", found, others, secrets)
    done = call("scan", "summarize", path, "--json").lines[-1]
    (row,) = done["images"]
    assert row["counts"] == {"critical": 0, "high": 2, "medium": 0, "low": 0, "negligible": 0, "unknown": 1}
    assert row["others"] == {"misconfiguration": 1, "secret": 1}
    table = call("scan", "summarize", path).out
    assert "UNKNOWN" in table.splitlines()[0]
    assert "1 secret not counted" in table


def test_summarize_knows_images_by_name_and_not_by_file(call: Any, tmp_path: Path) -> None:
    """The original wrote `a/b:1`, `a-b:1` and `a.b:1` to one file `a-b-1`."""
    names = ("a/b:1", "a-b:1", "a.b:1")
    files = [
        trivy(tmp_path / f"{n}.json", name, packages(("CVE-1", "x", "LOW"))) for n, name in enumerate(names)
    ]
    rows = call("scan", "summarize", *files, "--json").lines[-1]["images"]
    assert [row["image"] for row in rows] == sorted(names)
    assert [row["counts"]["low"] for row in rows] == [1, 1, 1]


def test_summarize_counts_an_image_once(call: Any, tmp_path: Path) -> None:
    new = saved(tmp_path / "new.json", scan(LOW, time=NOV22))
    old = saved(tmp_path / "old.json", scan(HIGH, time=NOV20))
    done = call("scan", "summarize", new, old)
    assert done.out.splitlines()[2].split() == ["TOTAL", "0", "0", "0", "1"]
    assert f"{old} is not counted: there is a later scan of hello:1" in done.out


def test_summarize_tells_stale_reports(call: Any, tmp_path: Path) -> None:
    """The original skipped an image that had a report, also after it was built again under the same tag."""
    (tmp_path / "image.yaml").write_text("tag: hello:1\nbase: scratch\nfiles: [data]\n")
    (tmp_path / "data").write_text("1")
    built = call("build", str(tmp_path / "image.yaml"), "--json").lines[-1]["image"]["digest"]
    path = saved(tmp_path / "r.json", scan(LOW, digest=built))
    theirs = trivy(tmp_path / "t.json", "hello:1", packages(), RepoDigests=[f"hello@{built}"])
    for each in (path, theirs):
        assert call("scan", "summarize", each, "--json").lines[-1]["images"][0]["stale"] is False
    assert call("scan", "summarize", path, "--fail-on", "high").status == 0
    (tmp_path / "data").write_text("2")
    call("build", str(tmp_path / "image.yaml"))
    for each in (path, theirs):
        assert call("scan", "summarize", each, "--json").lines[-1]["images"][0]["stale"] is True
    done = call("scan", "summarize", path, "--fail-on", "high")
    assert done.status == 11
    assert "stale" in done.out.splitlines()[1]
    assert "0+" in done.out.splitlines()[2]
    assert "scan it again" in done.out


def test_summarize_marks_what_is_incomplete(call: Any, tmp_path: Path) -> None:
    path = saved(tmp_path / "r.json", scan(problems=("no advisories for Debian",)))
    done = call("scan", "summarize", path)
    assert done.out.splitlines()[1].split()[-5:] == ["0+", "0+", "0+", "0+", "incomplete"]
    assert "hello:1 is incomplete: no advisories for Debian" in done.out
    text = call("scan", "summarize", path, "--format", "markdown").out
    assert "| 0+ | 0+ | 0+ | 0+ | incomplete |" in text
    assert "no advisories for Debian" in text


@pytest.mark.parametrize(
    ("made", "level", "options", "status"),
    [
        (scan(HIGH), "high", (), 10),
        (scan(HIGH), "critical", (), 0),
        (scan(CRITICAL), "high", (), 10),
        (scan(waived(HIGH)), "high", (), 0),
        (scan(HIGH, problems=("x",)), "high", (), 10),
        (scan(LOW, problems=("x",)), "high", (), 11),
        (scan(LOW), "low", (), 10),
        (scan(LOW), "low", ("--ignore-unfixed",), 0),
    ],
)
def test_summarize_gates(
    call: Any, tmp_path: Path, made: Scan, level: str, options: tuple[str, ...], status: int
) -> None:
    """The original ended with 0 whatever was found."""
    path = saved(tmp_path / "r.json", replace(made, time=NOV21))
    assert call("scan", "summarize", path, "--fail-on", level, *options).status == status
    assert call("scan", "summarize", path).status == 0


def test_summarize_formats(call: Any, tmp_path: Path) -> None:
    path = saved(tmp_path / "r.json", scan(HIGH, image='=cmd|"x",1'), scan(LOW, image="b:1"))
    rows = list(csv.DictReader(io.StringIO(call("scan", "summarize", path, "--format", "csv").out)))
    assert [(row["image"], row["high"], row["complete"], row["digest"]) for row in rows] == [
        ('\'=cmd|"x",1', "1", "true", DIGEST),
        ("b:1", "0", "true", DIGEST),
    ]
    lines = call("scan", "summarize", path, "--format", "markdown").out.splitlines()
    assert lines[-1].endswith("| **0** | **1** | **0** | **1** |  |")
    assert {line.replace("\\|", "").count("|") for line in lines} == {8}
    assert json.loads(call("scan", "summarize", path, "--format", "json").out)["totals"]["high"] == 1


def test_summarize_of_headers_and_platforms(call: Any) -> None:
    headers = finding("CVE-8", deb("linux-libc-dev", "6.1"), Level.CRITICAL, class_="headers")
    kept(scan(headers, time=NOV20), scan(HIGH, time=NOV20, platform="linux/arm64"))
    out = call("scan", "summarize", "hello").out
    assert out.splitlines()[-1] == "hello:1: 1 more in packages that hold only headers"
    assert out.splitlines()[3].split() == ["TOTAL", "0", "1", "0", "0"]
    assert "linux/arm64" in out.splitlines()[2]


def test_summarize_of_nothing(call: Any, tmp_path: Path) -> None:
    done = call("scan", "summarize", "nothing")
    assert done.status == 2
    assert "no scan of such an image is kept" in done.err
    (tmp_path / "x.json").write_text('{"hello": 1}')
    assert call("scan", "summarize", str(tmp_path / "x.json")).status == 5
    empty = saved(tmp_path / "empty.json")
    assert call("scan", "summarize", empty, "--fail-on", "high").status == 11
