"""The whole way with real packages: resolve, fetch, convert, and run what came out; pip is the reference."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.errors import Where
from slipway.events import Reporter
from slipway.oci.fragment import Fragment, FragmentCache
from slipway.python.fetch import fetch
from slipway.python.model import PythonResolution, PythonTarget
from slipway.python.overlap import settle
from slipway.python.resolve import resolve_python
from slipway.python.venv import venv_fragment
from slipway.python.wheel import wheel_fragment
from slipway.recipe.model import Requirement
from slipway.settings import Settings

from .conftest import unpack

pytestmark = [pytest.mark.net, pytest.mark.slow]

PACKAGES = ("requests", "flask", "pyyaml", "greenlet")


@pytest.fixture(scope="module")
def resolution(shared_settings: Settings, host: PythonTarget) -> PythonResolution:
    wanted = [Requirement(text, Where("image.yaml", n)) for n, text in enumerate(PACKAGES, 1)]
    return resolve_python(wanted, host, shared_settings, Reporter())


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory,
    shared_settings: Settings,
    host: PythonTarget,
    resolution: PythonResolution,
) -> tuple[Path, list[Fragment]]:
    from slipway.oci import compress

    root = tmp_path_factory.mktemp("environment") / "pyats"
    prefix = str(root).lstrip("/")
    cache = FragmentCache(shared_settings.cache / "fragments", compress.get("gzip"))
    wheels = dict(fetch(resolution, shared_settings, Reporter()))
    fragments = [
        wheel_fragment(
            cache, wheels[d.name], d, host, prefix=prefix, requested=d.name in resolution.requested
        )
        for d in resolution.dists
    ]
    drops, overlaps = settle(fragments, host, PACKAGES)
    assert (drops, overlaps) == ({}, [])
    for fragment in (venv_fragment(cache, host, prefix), *fragments):
        unpack(fragment, Path("/"))
    return root, fragments


def run(*argv: str | Path) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_pip_finds_all_and_nothing_to_complain(
    environment: tuple[Path, list[Fragment]], resolution: PythonResolution
) -> None:
    root, _ = environment
    listed = run(root / "bin/python", "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check")
    assert {line.partition("==")[2] for line in listed.split()} == {d.version for d in resolution.dists}
    assert "No broken requirements found" in run(root / "bin/pip", "check")
    assert str(root) in run(root / f"bin/pip{sys.version_info[0]}.{sys.version_info[1]}", "--version")


def test_commands_and_modules_work(environment: tuple[Path, list[Fragment]]) -> None:
    root, _ = environment
    assert "Werkzeug" in run(root / "bin/flask", "--version")
    code = "import sys, requests, flask, yaml, greenlet; assert yaml.__with_libyaml__; print(sys.prefix)"
    assert run(root / "bin/python3", "-c", code).strip() == str(root)
    activated = run(
        "sh", "-euc", f". {root}/bin/activate; command -v flask; deactivate; command -v flask || echo gone"
    )
    assert activated.split() == [f"{root}/bin/flask", "gone"]


def test_same_files_as_pip(
    environment: tuple[Path, list[Fragment]], resolution: PythonResolution, tmp_path: Path
) -> None:
    """Compared by RECORD; what may differ is named here and has a reason."""
    root, fragments = environment
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "theirs")
    pins = tmp_path / "pins.txt"
    pins.write_text("".join(f"{d.name}=={d.version}\n" for d in resolution.dists))
    pip: list[str | Path] = [
        root / "bin/pip",
        f"--python={tmp_path / 'theirs/bin/python'}",
        "install",
        "--no-compile",
        "-q",
    ]
    done = subprocess.run(
        [*pip, "-c", pins, "pip", *PACKAGES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    site = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    ours, theirs = records(root / site), records(tmp_path / "theirs" / site)
    assert ours.keys() == theirs.keys()
    for name, rows in ours.items():
        assert rows.keys() == theirs[name].keys()
        for path, row in rows.items():
            # the name of the installer, and launchers, whose text is our own
            if not path.endswith("/INSTALLER") and not path.startswith("../../../bin/"):
                assert row == theirs[name][path], path
    assert all(f.component.kind == "pypi" for f in fragments)


def records(site: Path) -> dict[str, dict[str, list[str]]]:
    found = {}
    for path in sorted(site.glob("*.dist-info/RECORD")):
        with path.open(newline="") as file:
            found[path.parent.name] = {row[0]: row[1:] for row in csv.reader(file)}
    return found
