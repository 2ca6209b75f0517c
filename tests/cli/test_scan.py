"""`slipway scan IMAGE...`: what people type and see."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from slipway.cli.exits import FAILED, UNKNOWN
from slipway.cli.render_scan import Table
from slipway.cli.scan import COMMANDS
from slipway.oci.digest import Digest
from slipway.oci.store import MANIFEST_TYPE, Descriptor, Store
from slipway.scan.reports.json import read
from tests.cli.conftest import command, on_terminal
from tests.cli.test_completion import complete  # noqa: F401 - a fixture
from tests.scan.advisories.kit import JINJA, LODASH, archive
from tests.scan.reports import kit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

JINJA_HERE = "Metadata-Version: 2.1\nName: jinja2\nVersion: 3.1.2\n"
SITE = "usr/lib/python3/site-packages"


@pytest.fixture
def image(home: Path) -> str:
    """A root with one Python distribution that is known to be weak."""
    info = home / "root" / SITE / "jinja2-3.1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(JINJA_HERE)
    return f"dir:{home}/root"


@pytest.fixture
def known(call: Callable[..., Outcome], tmp_path: Path) -> None:
    """Advisories of PyPI that are of today."""
    fresh = {"modified": "2999-01-01T00:00:00Z"}
    source = archive(tmp_path / "all.zip", [{**JINJA, **fresh}, {**LODASH, **fresh}])
    assert call("advisories", "update", "osv:PyPI", "--from", str(source)).status == 0


class Plain:
    """No terminal, but UTF-8."""

    on = False

    def __call__(self, text: str, *_: str) -> str:
        return text

    def sign(self, fancy: str, _: str) -> str:
        return fancy


def table(width: int, *judged: Any, everything: bool = False) -> str:
    return Table(Plain(), width, everything=everything).render(judged)  # type: ignore[arg-type]


# -- the group -----------------------------------------------------------------------------------------------------


def test_help_tells_options_and_commands(call: Callable[..., Outcome]) -> None:
    text = call("scan", "--help").out
    assert "slipway scan [OPTIONS] IMAGE..." in text
    assert "slipway scan COMMAND [ARGS]..." in text
    for word in (*COMMANDS, "--policy", "--fail-on", "--update", "docker-archive:FILE"):
        assert word in text
    assert call("scan").status == 2


def test_every_command_is_there(call: Callable[..., Outcome]) -> None:
    for name in COMMANDS:
        assert f"slipway scan {name}" in call("scan", name, "--help").out


@pytest.mark.parametrize("words", [("--json", "source"), ("hello", "diff"), ("--format", "json", "history")])
def test_a_command_behind_options_is_refused(call: Callable[..., Outcome], words: tuple[str, ...]) -> None:
    done = call("scan", *words)
    assert done.status == 2
    assert "is a command" in done.out + done.err


def test_behind_two_dashes_all_are_images(call: Callable[..., Outcome]) -> None:
    done = call("--offline", "scan", "--", "source:@@", "diff")
    assert done.status == UNKNOWN
    assert "diff" in done.out


def test_shells_complete_images_commands_and_options(
    complete: Callable[..., list[str]],  # noqa: F811
    home: Path,
) -> None:
    store = Store(home / ".local/share/slipway/store")
    for number, name in enumerate(["hello:latest", "source-code:1"]):
        store.tag(name, Descriptor(MANIFEST_TYPE, Digest("sha256:" + f"{number}" * 64), 5))
    assert complete("scan", "hel") == ["hello:latest"]
    assert complete("scan", "sou") == ["source", "source-code:1"]
    assert complete("scan", "hello", "sou") == ["source-code:1"]
    assert complete("scan", "--fail") == ["--fail-on"]
    assert complete("scan", "--format", "sa") == ["sarif"]
    assert "--since" in complete("scan", "history", "--")


# -- what came of it -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("known")
def test_a_table_for_people(call: Callable[..., Outcome], image: str) -> None:
    done = call("scan", image)
    assert done.status == 0
    assert "1 medium" in done.out
    assert re.search(r"medium +jinja2 +3\.1\.2 +3\.1\.4 +CVE-2024-34064", done.out)
    assert "\x1b" not in done.out
    assert done.err == ""


def test_without_advisories_it_could_not_be_told(call: Callable[..., Outcome], image: str) -> None:
    done = call("scan", image)
    assert done.status == UNKNOWN
    assert "the advisories of osv:PyPI have not been fetched" in done.out
    assert "nothing known to be wrong" not in done.out
    assert "`slipway advisories update osv:PyPI`" in done.err


@pytest.mark.usefixtures("known")
def test_an_image_that_cannot_be_read_hides_no_other(call: Callable[..., Outcome], image: str) -> None:
    done = call("scan", "dir:/nowhere/at/all", image, "--format", "json")
    assert done.status == UNKNOWN
    first, second = json.loads(done.out)["scans"]
    assert not first["complete"]
    assert second["findings"][0]["id"] == "CVE-2024-34064"
    assert "/nowhere/at/all" in done.err
    worst = call("scan", "dir:/nowhere/at/all", image, "--fail-on", "medium")
    assert worst.status == FAILED


def test_why_an_image_cannot_be_read(call: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"")
    done = call("scan", f"docker-archive:{tmp_path}/x.tar")
    assert "no sound manifest.json for one image: KeyError" in " ".join(done.out.split())


@pytest.mark.parametrize("name", ["", " ", "\n"])
def test_no_name_is_an_image_that_cannot_be_read(call: Callable[..., Outcome], name: str) -> None:
    done = call("scan", name)
    assert done.status == UNKNOWN
    assert done.out.startswith("''\nnot complete")


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("form", ["table", "json", "yaml", "sarif", "cyclonedx", "markdown", "html", "stsci"])
def test_a_directory_of_any_name(call: Callable[..., Outcome], image: str, home: Path, form: str) -> None:
    place = image.removeprefix("dir:")
    odd = os.fsdecode(os.fsencode(home) + b"/ro\xffot")
    Path(place).rename(odd)
    done = call("scan", f"dir:{odd}", "--format", form, "--output", f"{home}/x")
    assert done.status == 0
    assert "CVE-2024-34064" in (home / "x").read_text("utf-8")
    assert call("sbom", f"dir:{odd}", "--format", "spdx").status == 0


@pytest.mark.usefixtures("known")
def test_fail_on(call: Callable[..., Outcome], image: str) -> None:
    assert call("scan", image, "--fail-on", "high").status == 0
    done = call("scan", image, "--fail-on", "medium")
    assert done.status == FAILED
    assert "fail" in done.out
    assert call("scan", image, "--fail-on", "medium", "--ignore-unfixed").status == FAILED


@pytest.mark.usefixtures("known")
def test_a_policy_with_a_waiver_that_ends(call: Callable[..., Outcome], image: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("severity: medium\n")
    assert call("scan", image, "--policy", str(policy)).status == FAILED
    waiver = "severity: medium\nwaivers:\n  - {id: CVE-2024-34064, reason: not used, owner: me@example.org, expires: %s}\n"
    policy.write_text(waiver % "2999-12-31")
    done = call("scan", image, "--policy", str(policy))
    assert done.status == 0
    assert "excused: 1 waived" in done.out
    policy.write_text(waiver % "2020-12-31")
    assert call("scan", image, "--policy", str(policy)).status == FAILED


@pytest.mark.usefixtures("known")
def test_only_what_is_new_fails(call: Callable[..., Outcome], image: str, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    call("scan", image, "-o", str(before))
    assert call("scan", image, "--fail-on", "medium", "--approved", str(before)).status == 0
    data = before.read_text()
    before.write_text(data.replace("CVE-2024-34064", "CVE-2024-1").replace("GHSA-h75v-3vvj-5mfj", "GHSA-x"))
    assert call("scan", image, "--fail-on", "medium", "--approved", str(before)).status == FAILED


@pytest.mark.usefixtures("known")
def test_a_report_of_another_scanner_is_joined(
    call: Callable[..., Outcome], image: str, tmp_path: Path
) -> None:
    vulnerability = {
        "VulnerabilityID": "CVE-2024-34064", "PkgName": "jinja2", "InstalledVersion": "3.1.2", "Severity": "CRITICAL",
    }  # fmt: skip
    result = {
        "Target": "Python",
        "Class": "lang-pkgs",
        "Type": "python-pkg",
        "Vulnerabilities": [vulnerability],
    }
    report = tmp_path / "trivy.json"
    report.write_text(json.dumps({"SchemaVersion": 2, "ArtifactName": "x", "Results": [result]}))
    done = call("scan", image, "--import", str(report), "--format", "json")
    (finding,) = json.loads(done.out)["scans"][0]["findings"]
    assert len(finding["provenance"]) == 2


# -- documents -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("known")
def test_files_in_the_format_of_their_endings(
    call: Callable[..., Outcome], image: str, tmp_path: Path
) -> None:
    names = ["r.json", "r.yaml", "r.sarif", "r.cdx.json", "r.md", "r.html", "r.txt"]
    done = call("scan", image, *(word for name in names for word in ("-o", str(tmp_path / name))))
    assert (done.status, done.out) == (0, "")
    assert "1 medium" in done.err
    texts = {name: (tmp_path / name).read_text() for name in names}
    assert yaml.safe_load(texts["r.yaml"]) == json.loads(texts["r.json"])
    assert json.loads(texts["r.sarif"])["version"] == "2.1.0"
    assert json.loads(texts["r.cdx.json"])["bomFormat"] == "CycloneDX"
    assert texts["r.html"].startswith("<!DOCTYPE html>")
    assert all("CVE-2024-34064" in text for text in texts.values())


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("form", ["json", "yaml", "sarif", "cyclonedx", "markdown", "html"])
def test_nothing_but_the_document_is_on_stdout(call: Callable[..., Outcome], image: str, form: str) -> None:
    done = call("scan", image, "--format", form, "--verbose")
    assert "findings of" in done.err
    assert "findings of" not in done.out.partition("<main>")[0]
    if form in ("json", "sarif", "cyclonedx"):
        assert json.loads(done.out)


@pytest.mark.usefixtures("known")
def test_json_lines_end_in_the_report(call: Callable[..., Outcome], image: str, tmp_path: Path) -> None:
    done = call("scan", image, "--json", "-o", str(tmp_path / "r.html"))
    assert done.lines[-1]["type"] == "result"
    path = tmp_path / "lines.json"
    path.write_text(done.out)
    assert read(path)[0].scan.findings[0].id == "CVE-2024-34064"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "a.json", "-o", "b.json", "--format", "json"), "one --output"),
        (("-o", "report"), "ending"),
        (("--json", "--format", "html"), "standard output"),
        (("b", "--format", "cyclonedx"), "one image"),
        (("b", "--import", "x.json"), "one image"),
        (("--policy", "p", "--fail-on", "low"), "cannot both"),
        (("--ignore-unfixed",), "--fail-on"),
        (("--approved", "x"), "--fail-on"),
        (("--policy", "/nowhere.yaml"), "/nowhere.yaml"),
        (("--vex", "/nowhere.json"), "/nowhere.json"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_done(
    call: Callable[..., Outcome], words: tuple[str, ...], said: str
) -> None:
    done = call("scan", "a", *words)
    assert done.status == 2
    assert said in done.out + done.err


@pytest.mark.usefixtures("known")
def test_scans_are_kept_unless_told_otherwise(call: Callable[..., Outcome], image: str) -> None:
    call("scan", image, "--no-history")
    assert not call("scan", "history", image, "--json").lines[-1].get("scans")
    call("scan", image)
    assert "1" in call("scan", "history", image).out


@pytest.mark.usefixtures("known")
def test_colours_on_a_terminal(image: str) -> None:
    status, text = on_terminal(command("scan", image))
    assert status == 0
    assert "\x1b[33mmedium\x1b[0m" in text


# -- the table -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_fits(width: int) -> None:
    text = table(width, kit.FAILED, kit.UNREAD, kit.WELL)
    long = [line for line in text.splitlines() if len(line) > width]
    assert not long
    assert "+12 more" in text
    assert ("KNOWN AS" in text) == (width == 160)


def test_the_table_says_what_is_not_known() -> None:
    text = " ".join(table(120, kit.FAILED, kit.UNREAD).split())
    for words in (
        "5 unknown",
        "18 can be repaired, 2 excused, 40 in headers only, 2 packages outdated, 2 uncovered",
        "osv:PyPI 3 days old, suites:bookworm of today",
        "7.88.1-10+deb12u5 (1 of 2)",
        "tzdata 2024a-0+deb12u1 → 2025b-0+deb12u2 (bookworm)",
        "linux-libc-dev 6.1.76-1: 40 findings, fixed in 6.1.140-1",
        "excused: 1 waived, 1 by VEX",
        "nothing is known of 1 package: it is from Node Source",
        "the list is a lower bound",
        "could not tell nothing could be looked at",
    ):
        assert words in text


def test_with_all_nothing_is_left_out() -> None:
    text = table(80, kit.FAILED, everything=True)
    assert "more" not in text.replace("evermore", "")
    assert all(finding.id in text for finding in kit.FINDINGS if finding.class_ != "headers")


def test_nothing_in_an_image_steers_a_terminal() -> None:
    assert "\x1b" not in table(80, kit.FAILED, kit.UNREAD)
