from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import InputError
from slipway.python import scripts
from slipway.python.model import PythonTarget
from slipway.python.scripts import EntryPoint


def test_sections_comments_and_extras() -> None:
    text = """
    # comment
    [console_scripts]
    b = pkg.mod:main
    a.b-c = pkg:cls.method [extra]
    [gui_scripts]
    window=pkg:run
    [other]
    x = not even close
    """
    assert scripts.entry_points(text, "demo") == [
        EntryPoint("a.b-c", "pkg", "cls.method"),
        EntryPoint("b", "pkg.mod", "main"),
        EntryPoint("window", "pkg", "run"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "../x = a:b",
        "/bin/sh = a:b",
        ".. = a:b",
        "x = a",
        "x = a:",
        "x = :b",
        "x = a;import os:b",
        "x = a:b()",
        "x = a.b c:d",
        "= a:b",
        "x\ty = a:b",
        f"{'x' * 256} = a:b",
    ],
)
def test_what_cannot_be_a_command(line: str) -> None:
    with pytest.raises(InputError, match="cannot be made into a command"):
        scripts.entry_points(f"[console_scripts]\n{line}\n", "demo")


@given(st.text(), st.text())
def test_names_and_objects_never_escape(name: str, target: str) -> None:
    """Whatever comes through is one file name, and program text that names nothing but identifiers."""
    try:
        points = scripts.entry_points(f"[console_scripts]\n{name} = {target}\n", "demo")
    except InputError:
        return
    for point in points:
        assert "/" not in point.name
        assert point.name not in ("", ".", "..")
        assert all(part.isidentifier() for part in (*point.module.split("."), *point.attr.split(".")))
        compile(
            scripts.launcher(point, "/bin/python").replace(b"#!", b"# "),
            "launcher",
            "exec",
            dont_inherit=True,
        )


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}", fullmatch=True))
def test_usual_names_are_accepted(name: str) -> None:
    assert [p.name for p in scripts.entry_points(f"[console_scripts]\n{name}=a:b", "demo")] == [name]


def test_pip_is_called_after_the_target() -> None:
    points = [EntryPoint(name, "pip._internal", "main") for name in ("pip", "pip3", "pip3.9")]
    target = PythonTarget("3.13", "/usr/bin/python3.13", "amd64")
    assert [p.name for p in scripts.for_target(points, "pip", target)] == ["pip", "pip3", "pip3.13"]
    assert scripts.for_target(points, "other", target) == points


@pytest.mark.parametrize("folder", ["plain", "with space", "x" * 140])
def test_launcher_runs(tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    root.mkdir()
    (root / "python").symlink_to(sys.executable)
    (tmp_path / "demo.py").write_text(
        "import sys\nclass C:\n  @staticmethod\n  def main():\n    print(sys.argv[1:])\n    return 7\n"
    )
    command = tmp_path / "run"
    command.write_bytes(scripts.launcher(EntryPoint("run", "demo", "C.main"), str(root / "python")))
    command.chmod(0o755)
    done = subprocess.run(
        [command, "a b", "$c"], capture_output=True, text=True, check=False, env={"PYTHONPATH": str(tmp_path)}
    )
    assert (done.returncode, done.stdout) == (7, "['a b', '$c']\n"), done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"#!python\nx", b"#!/e/python\nx"),
        (b"#!pythonw\r\nx", b"#!/e/python\nx"),
        (b"#!python3 -u \nx", b"#!/e/python -u\nx"),
        (b"#!python", b"#!/e/python\n"),
        (b"#!/usr/bin/env python\nx", b"#!/usr/bin/env python\nx"),
        (b"\x7fELF", b"\x7fELF"),
        (b"", b""),
    ],
)
def test_first_line_of_scripts(before: bytes, after: bytes) -> None:
    assert scripts.rewrite(before, "/e/python") == after
