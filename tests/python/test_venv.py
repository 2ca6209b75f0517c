from __future__ import annotations

import subprocess
from pathlib import Path

from slipway.oci.fragment import FragmentCache
from slipway.python.model import PythonTarget
from slipway.python.venv import venv_fragment

from .conftest import unpack


def test_layout(cache: FragmentCache, target: PythonTarget) -> None:
    fragment = venv_fragment(cache, target, "pyats")
    files = {entry.path: (entry.target, data.decode()) for entry, data in fragment.members()}
    assert {path: link for path, (link, _) in files.items() if link} == {
        "pyats/bin/python": "/usr/bin/python3.13",
        "pyats/bin/python3": "python",
        "pyats/bin/python3.13": "python",
        "pyats/lib64": "lib",
    }
    assert files["pyats/pyvenv.cfg"][1].splitlines() == [
        "home = /usr/bin",
        "include-system-site-packages = false",
        "version = 3.13.5",
        "executable = /usr/bin/python3.13",
        "prompt = 'pyats'",
    ]
    assert "pyats/lib/python3.13/site-packages" in {d.path for d in fragment.dirs}
    assert "pyats" in {d.path for d in fragment.dirs}
    assert venv_fragment(cache, target, "opt/env").key != fragment.key


def test_interpreter_takes_it_for_its_own(cache: FragmentCache, host: PythonTarget, tmp_path: Path) -> None:
    prefix = str(tmp_path / "work space").lstrip("/")
    unpack(venv_fragment(cache, host, prefix), Path("/"))
    root = tmp_path / "work space"
    code = "import sys, site; print(sys.prefix); print(sys.base_prefix != sys.prefix); print(site.getsitepackages()[0])"
    done = subprocess.run(
        [root / f"bin/python{host.short}", "-c", code], capture_output=True, text=True, check=True, env={}
    )
    assert done.stdout.splitlines() == [str(root), "True", f"/{host.site_packages(prefix)}"]


def test_activate_and_deactivate(cache: FragmentCache, host: PythonTarget, tmp_path: Path) -> None:
    prefix = str(tmp_path / "it's work").lstrip("/")
    unpack(venv_fragment(cache, host, prefix), Path("/"))
    script = """
        before="$(env | sort)${PS1-}"
        . "$1/bin/activate"; . "$1/bin/activate"
        echo "${PS1-}|$VIRTUAL_ENV|${PYTHONHOME-none}"; command -v python
        deactivate
        test "$before" = "$(env | sort)${PS1-}" && echo restored
        command -v deactivate || echo gone
    """
    env = {"PATH": "/usr/bin:/bin", "PS1": "$ ", "PYTHONHOME": "/usr"}
    for shell in ("dash", "bash"):
        done = subprocess.run(
            [shell, "-euc", script, shell, tmp_path / "it's work"],
            capture_output=True,
            text=True,
            check=False,
            env=env,
        )
        assert done.returncode == 0, done.stderr
        shown, python, restored, gone = done.stdout.splitlines()
        ps1 = (
            "(it's work) $ " if shell == "dash" else shown.partition("|")[0]
        )  # bash drops PS1 without a terminal
        assert shown == f"{ps1}|{tmp_path}/it's work|none"
        assert (python, restored, gone) == (f"{tmp_path}/it's work/bin/python", "restored", "gone")
