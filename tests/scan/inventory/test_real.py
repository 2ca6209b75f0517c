"""Against what the tools of each packaging say of a system that they made themselves."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from slipway.events import Reporter
from slipway.scan.inventory import take
from slipway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=tmp_path / "store", cache=tmp_path / "cache")


@pytest.mark.net
@pytest.mark.slow
def test_what_dpkg_says(bookworm_root: Path, settings: Settings) -> None:
    found = take(f"dir:{bookworm_root}", settings, Reporter())
    form = (
        "${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n"
    )
    argv = ["dpkg-query", f"--admindir={bookworm_root}/var/lib/dpkg", "--show", f"--showformat={form}"]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    wanted = {tuple(row[1:]) for row in (line.split("\t") for line in said.splitlines()) if row[0] == "ii "}
    assert {
        (c.name, c.version, c.arch, c.source_name, c.source_version)
        for c in found.components
        if c.kind == "deb"
    } == wanted
    assert found.unread == ()
    assert (found.system.distro, found.system.codename) == ("debian-12", "bookworm")


@pytest.mark.net
@pytest.mark.slow
def test_who_dpkg_says_owns_what(bookworm_root: Path, settings: Settings) -> None:
    found = take(f"dir:{bookworm_root}", settings, Reporter())
    dists = [c for c in found.components if c.kind == "pypi"]
    assert {c.name for c in dists} >= {"six", "pyyaml"}
    for dist in dists:
        argv = ["dpkg-query", f"--admindir={bookworm_root}/var/lib/dpkg", "--search", f"/{dist.path}"]
        package = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.partition(":")[0]
        assert dist.owner.startswith(f"pkg:deb/debian/{package}@"), dist


def test_what_npm_installs(tmp_path: Path, settings: Settings) -> None:
    """Archives that are here, so that nothing is downloaded; in `node_modules`, and in the lock file alone."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    app = tmp_path / "app"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        manifest = {"name": f"@slip/{name}", "version": "1.2.3", "license": "MIT"}
        (tmp_path / name / "package.json").write_text(json.dumps(manifest))
        pack: list[str | Path] = ["npm", "pack", "--silent", "--pack-destination", tmp_path]
        subprocess.run(pack, cwd=tmp_path / name, check=True, capture_output=True)
    app.mkdir()
    needs = {f"@slip/{name}": f"file:../slip-{name}-1.2.3.tgz" for name in ("one", "two")}
    (app / "package.json").write_text(json.dumps({"name": "app", "version": "1.0.0", "dependencies": needs}))
    install: list[str | Path] = [
        "npm",
        "install",
        "--offline",
        "--no-audit",
        "--no-fund",
        "--cache",
        tmp_path / "npm",
    ]
    subprocess.run(install, cwd=app, check=True, capture_output=True)
    wanted = [("@slip/one", "1.2.3", ("MIT",)), ("@slip/two", "1.2.3", ("MIT",))]
    found = take(f"dir:{app}", settings, Reporter()).components
    assert [(c.name, c.version, c.licenses) for c in found] == wanted
    assert found[0].purl == "pkg:npm/%40slip/one@1.2.3"
    shutil.rmtree(app / "node_modules")
    locked = take(f"dir:{app}", settings, Reporter()).components
    assert [(c.name, c.version, c.licenses) for c in locked] == wanted
    assert {c.path for c in locked} == {"package-lock.json"}
