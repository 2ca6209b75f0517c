"""Running other scanners. Neither can be installed here: a stand-in that is as strict about arguments takes their place."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from slipway.errors import ToolError, UsageError
from slipway.events import Reporter
from slipway.oci.layout import export_layout
from slipway.oci.store import Store
from slipway.scan.adapters import joined, tools
from slipway.scan.inventory import take
from slipway.scan.model import Scan
from tests.images.making import Maker
from tests.scan.adapters import standin
from tests.scan.adapters.kit import grype, grype_match, os_packages, trivy, trivy_row, write
from tests.scan.inventory.kit import debian, dpkg

if TYPE_CHECKING:
    from slipway.scan.adapters.tools import Tool

TOOLS = cast("tuple[Tool, ...]", ("trivy", "grype"))


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    made = Maker(tmp_path)
    made.image(made.layer(debian(), dpkg(("libssl3", "3.0.8-1"))), tag="hello:1")
    return made


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on PATH with both."""
    place = tmp_path / "bin"
    place.mkdir()
    for tool in TOOLS:
        program = place / tool
        program.write_text(f"#!{sys.executable}\n{Path(standin.__file__).read_text()}")
        program.chmod(0o755)
    write(place / "trivy.json", trivy(os_packages(trivy_row())))
    write(place / "grype.json", grype(grype_match()))
    (place / "STANDIN").write_text("works")
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    return place


def seen(installed: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((installed / "seen.json").read_text()))


@pytest.mark.parametrize("tool", TOOLS)
def test_an_image_of_the_store(tool: Tool, maker: Maker, installed: Path) -> None:
    imported = tools.run(tool, "hello:1", maker.settings, Reporter())
    assert (imported.format, imported.problems, len(imported.findings)) == (tool, (), 1)
    told = seen(installed)
    assert told["digest"] == Store(maker.settings.store).find("hello:1").digest
    assert told["offline"]
    assert not list(maker.settings.cache.glob(".scan-*"))
    own = Scan(take("hello:1", maker.settings, Reporter()))
    found = joined(own, [(tool, imported)], Reporter())
    assert [f.component for f in found.findings] == list(own.inventory.components)
    assert found.complete


@pytest.mark.parametrize("form", ["path", "name"])
def test_an_image_in_a_layout(maker: Maker, installed: Path, tmp_path: Path, form: str) -> None:
    store = Store(maker.settings.store)
    image = store.find("hello:1")
    layout = tmp_path / "layout"
    export_layout(store, image, layout, "x")
    given = layout if form == "path" else f"oci:{layout}:x"
    assert tools.run("trivy", given, maker.settings, Reporter()).findings
    assert seen(installed)["digest"] == image.digest


def test_what_is_around_does_not_change_what_is_found(
    maker: Maker, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIVY_SEVERITY", "CRITICAL")
    monkeypatch.setenv("TRIVY_CACHE_DIR", "/somewhere")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    tools.run("trivy", "hello:1", maker.settings, Reporter())
    told = seen(installed)
    assert told["environ"]["TRIVY_CACHE_DIR"] == "/somewhere"
    assert told["environ"]["TRIVY_SHOW_SUPPRESSED"] == "true"
    assert not {"TRIVY_SEVERITY", "SECRET_TOKEN"} & told["environ"].keys()
    assert told["cwd"] == []  # no .trivyignore, no trivy.yaml


@pytest.mark.parametrize("tool", TOOLS)
def test_it_may_update_its_own_data_when_asked(tool: Tool, maker: Maker, installed: Path) -> None:
    tools.run(tool, "hello:1", maker.settings, Reporter(), update=True)
    assert not seen(installed)["offline"]
    tools.run(tool, "hello:1", maker.settings.with_(offline=True), Reporter(), update=True)
    assert seen(installed)["offline"]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("fails", "failed with status 1: FATAL the database is too old; its data may be missing"),
        ("killed", "failed with status -9: it did not say why"),
        ("silent", "wrote no report"),
        ("garbage", "wrote cannot be read: the report:1:1: it is not JSON"),
        ("truncated", "wrote cannot be read: "),
    ],
)
def test_failures_are_problems(tool: Tool, mode: str, problem: str, maker: Maker, installed: Path) -> None:
    (installed / "STANDIN").write_text(mode)
    imported = tools.run(tool, "hello:1", maker.settings, Reporter())
    assert problem in imported.problems[0]
    assert imported.findings == ()
    own = Scan(take("hello:1", maker.settings, Reporter()))
    assert not joined(own, [(tool, imported)], Reporter()).complete


def test_statuses_that_tell_of_findings(maker: Maker, installed: Path) -> None:
    """Grype ends with 2 when its own configuration says that it should, with a whole report; Trivy is told not to."""
    (installed / "STANDIN").write_text("found")
    assert tools.run("grype", "hello:1", maker.settings, Reporter()).problems == ()
    assert "status 2" in tools.run("trivy", "hello:1", maker.settings, Reporter()).problems[0]


def test_a_report_of_something_else(maker: Maker, installed: Path) -> None:
    (installed / "STANDIN").write_text("other")
    problems = tools.run("trivy", "hello:1", maker.settings, Reporter()).problems
    assert problems == ("what trivy wrote is of the format grype",)


def test_patience_ends(maker: Maker, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (installed / "grype").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(tools, "_PATIENCE", 0.2)
    assert "did not finish" in tools.run("grype", "hello:1", maker.settings, Reporter()).problems[0]


@pytest.mark.parametrize("tool", TOOLS)
def test_not_installed(tool: Tool, maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=f"{tool} is not installed") as caught:
        tools.run(tool, "hello:1", maker.settings, Reporter())
    assert f"without --with {tool}" in caught.value.hint


@pytest.mark.usefixtures("installed")
def test_images_that_cannot_be_given(maker: Maker, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not an OCI image layout"):
        tools.run("trivy", tmp_path, maker.settings, Reporter())
    with pytest.raises(UsageError, match="can be given to another scanner") as caught:
        tools.run("trivy", "dir:/srv", maker.settings, Reporter())
    assert "--import" in caught.value.hint
