"""The real bandit, ruff and shellcheck over Python and shell."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.scan.source import programs
from tests.scan.source.kit import gaps, look, rows, write
from tests.scan.source.test_installs import notebook

if TYPE_CHECKING:
    from slipway.scan.source.model import Result, SourceResult

WEAK = """\
import subprocess
def f(x):
    assert x
    subprocess.call(x, shell=True)
    return eval(x)
"""
TOOLS = ("bandit", "ruff")


def by_rule(result: SourceResult) -> dict[str, Result]:
    return {each.rule: each for each in result.results}


def test_what_both_say_is_said_once(tmp_path: Path) -> None:
    result = look(write(tmp_path / "x", {"a.py": WEAK}), *TOOLS)
    assert rows(result) == [
        ("B404", "a.py", 1),
        ("B101", "a.py", 3),
        ("B602", "a.py", 4),
        ("B307", "a.py", 5),
    ]
    found = by_rule(result)
    assert (found["B602"].tools, found["B602"].also, found["B602"].level) == (
        ("bandit", "ruff"),
        ("S602",),
        "error",
    )
    assert (found["B101"].level, found["B307"].level) == ("note", "warning")
    assert found["B404"].tools == ("bandit",)
    assert {(ran.check, ran.version != "", ran.files) for ran in result.checks} == {
        (t, True, 1) for t in TOOLS
    }
    # either tool alone gives the same result the same name
    for tool, rule in (("bandit", "B307"), ("ruff", "S307")):
        alone = by_rule(look(tmp_path / "x", tool))[rule]
        assert alone.fingerprint == found["B307"].fingerprint
        assert alone.tools == (tool,)
    assert by_rule(look(tmp_path / "x", "ruff"))["S602"].level == "error"


def test_two_of_a_kind_in_one_line_and_in_one_call(tmp_path: Path) -> None:
    text = "def f(x, y):\n    eval(x), eval(y)\n    print(\n        eval(x),\n        eval(y),\n    )\n"
    result = look(write(tmp_path / "x", {"a.py": text}), *TOOLS)
    assert rows(result) == [("B307", "a.py", n) for n in (2, 2, 4, 5)]
    assert len({each.fingerprint for each in result.results}) == 4
    assert all("bandit" in each.tools for each in result.results)


def test_every_way_to_be_python(tmp_path: Path) -> None:
    """The original saw `#!/usr/bin/env python` only, and some of its directories."""
    heads = {
        "env": "#!/usr/bin/env python3\n",
        "path": "#!/usr/bin/python3\n",
        "options": "#!/usr/bin/python3.11 -Es\n",
    }
    places = (
        ".github/x.py",
        "build/x.py",
        "site-packages/x.py",
        "-dash.py",
        "sp ace.py",
        "ü.py",
        "deep/a/b/x.py",
    )
    files = {f"bin/{name}": head + "eval(x)\n" for name, head in heads.items()}
    root = write(tmp_path / "x", {**files, **dict.fromkeys(places, "eval(x)\n"), "not-python": "eval(x)\n"})
    for tool in TOOLS:
        found = [path for _, path, _ in rows(look(root, tool))]
        assert found == sorted([*files, *places])


def test_marks_in_the_files_are_reported_as_such(tmp_path: Path) -> None:
    text = "eval(x)  # nosec\neval(x)  # noqa: S307\neval(x)  # nosec B101\neval(x)\n"
    result = look(write(tmp_path / "x", {"a.py": text, "b.py": "# ruff: noqa\neval(x)\n"}), *TOOLS)
    told = [(each.path, each.line, each.excuse and each.excuse.reason) for each in result.results]
    assert told == [
        ("a.py", 1, "# nosec"),
        ("a.py", 2, "# noqa"),
        ("a.py", 3, None),
        ("a.py", 4, None),
        ("b.py", 2, "# noqa"),
    ]
    assert [each.open for each in result.results] == [False, False, True, True, False]


def test_what_a_tool_cannot_read_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.py": "print 'python 2'\n",
        "b.py": b"x = '\xe9'\n",
        "z.py": "eval(x)\n",
    }
    result = look(write(tmp_path / "x", files), *TOOLS)
    assert gaps(result) == [(tool, "unparsable", name) for tool in TOOLS for name in ("a.py", "b.py")]
    assert rows(result) == [("B307", "z.py", 1)]
    assert not result.complete


def test_code_in_notebooks(tmp_path: Path) -> None:
    text = notebook(
        "eval(x)",
        ["%matplotlib inline\n", "if x:\n", "    eval(x)\n"],
        "%%bash\neval x",
        ["eval(x)  # noqa\n"],
    )
    files = {
        "a.ipynb": text,
        "b.ipynb": notebook("print 1 2"),
        "c.ipynb": '{"nbformat": 3}',
        "d.ipynb": notebook("eval(x)", kind="markdown"),
        "r.ipynb": notebook("eval(x)").replace(
            '"metadata": {},\n "nbformat"', '"metadata": {"language_info": {"name": "R"}},\n "nbformat"'
        ),
    }
    result = look(write(tmp_path / "x", files), *TOOLS)
    lines = text.splitlines()
    places = [n for n, line in enumerate(lines, 1) if "eval(x)" in line]
    assert rows(result) == [("B307", "a.ipynb", n) for n in places]
    assert [each.open for each in result.results] == [True, True, False]
    assert {each.tools for each in result.results} == {TOOLS}
    assert {each.text for each in result.results} == {" ".join(lines[n - 1].split()) for n in places}
    assert gaps(result) == [
        (tool, *gap)
        for tool in TOOLS
        for gap in (("unparsable", "b.ipynb"), ("unparsable", "c.ipynb"), ("notebook", "r.ipynb"))
    ]
    assert gaps(look(tmp_path / "x", "syntax")) == []
    write(tmp_path / "x", {"a.ipynb": "{"})
    assert rows(look(tmp_path / "x", "syntax")) == [("json-invalid", "a.ipynb", 1)]


def test_the_settings_of_a_project_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "a.py": "eval(x)\n",
        ".bandit": "[bandit]\nskips: B307\nexclude: .\n",
        "pyproject.toml": "[tool.ruff]\nexclude=['*']\n[tool.bandit]\nskips=['B307']\n",
        "ruff.toml": "lint.ignore = ['S']\n",
        "eval.py": "raise SystemExit(99)\n",
    }
    monkeypatch.setenv("RUFF_OUTPUT_FORMAT", "full")
    result = look(write(tmp_path / "x", files), *TOOLS)
    assert rows(result) == [("B307", "a.py", 1)]
    assert result.complete


def test_passwords_that_bandit_shows_are_not_shown(tmp_path: Path) -> None:
    text = 'password = "correcthorse"\ndef f(token="batterystaple"): pass\nf(password="o\'hara-the-4th")\n'
    result = look(write(tmp_path / "x", {"a.py": text}), *TOOLS)
    assert {each.rule for each in result.results} == {"B105", "B106", "B107"}
    said = " ".join(each.message for each in result.results)
    assert not any(word in said for word in ("correct", "battery", "hara"))


def test_many_files_are_shared_out(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {f"f{n:03}.py": f"{'#' * n}\neval(x)\n" for n in range(120)})
    result = look(root, *TOOLS)
    assert len(result.results) == 120
    assert all(each.tools == TOOLS for each in result.results)
    assert result == look(root, *TOOLS)


@pytest.fixture
def without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that has all programs there are, but for git."""
    place = tmp_path / "bin"
    place.mkdir()
    if git := shutil.which("git"):
        (place / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr(sys, "executable", str(place / "python"))
    return place


def test_a_missing_tool_is_missed(tmp_path: Path, without: Path) -> None:
    root = write(tmp_path / "x", {"a.py": "eval(x)\n", "b.sh": "x\n", "c.yml": "{"})
    result = look(root, "syntax", *TOOLS)
    assert gaps(result) == [(tool, "missing-tool", "") for tool in TOOLS]
    assert "slipway[source]" in result.gaps[0].message
    assert result.outcome("error") == "fail"  # for what could be looked at
    (root / "c.yml").unlink()
    assert look(root, "syntax", *TOOLS).outcome("error") == "unknown"
    # shellcheck is missed only where it was asked for
    assert gaps(look(root, "shellcheck")) == [("shellcheck", "missing-tool", "")]


def program(place: Path, name: str, script: str) -> None:
    (place / name).write_text(f"#!/bin/sh\n{script}\n")
    (place / name).chmod(0o755)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo hello; exit 0", "did not answer in JSON"),
        ("[ $1 = --version ] && echo 1.0 && exit; echo 'it broke' >&2; exit 2", "it broke"),
        ("[ $1 = --version ] && echo 1.0 && exit; echo '{\"a\": 1}'", "not as expected"),
        ("[ $1 = --version ] && echo 1.0 && exit; echo '[[1]]'", "not as expected"),
        ("[ $1 = --version ] && echo 1.0 && exit; kill -9 $$", "status -9"),
    ],
)
def test_a_tool_that_fails_is_told(tmp_path: Path, without: Path, script: str, why: str) -> None:
    for tool in TOOLS:
        program(without, tool, script)
    result = look(write(tmp_path / "x", {"a.py": "x\n", "b.yml": "{"}), "syntax", *TOOLS)
    assert gaps(result) == [(tool, "failed", "") for tool in TOOLS]
    assert all(why in gap.message for gap in result.gaps)
    assert rows(result) == [("yaml-invalid", "b.yml", 2)]


def test_a_file_that_bandit_passes_over_is_told(tmp_path: Path, without: Path) -> None:
    said = '{"results": [], "errors": [], "metrics": {"./a.py": {}, "_totals": {}}}'
    program(without, "bandit", f"[ $1 = --version ] && echo 1.0 && exit; echo '{said}'")
    result = look(write(tmp_path / "x", {"a.py": "", "b.py": ""}), "bandit")
    assert gaps(result) == [("bandit", "unparsable", "b.py")]


def test_beside_this_python_first() -> None:
    assert programs.find("ruff") == str(Path(sys.executable).parent / "ruff")
    assert programs.find("no-such-program") == ""


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shell(tmp_path: Path) -> None:
    files = {
        "a.sh": "#!/bin/sh\ncd $1\n",
        "run": "#!/bin/bash\ncd $1\n",
        "broken.sh": "#!/bin/sh\nif x\n",
        ".shellcheckrc": "disable=all\n",
    }
    result = look(write(tmp_path / "x", files), "shellcheck")
    assert {(each.rule, each.path, each.level) for each in result.results} >= {
        ("SC2086", "a.sh", "note"),
        ("SC2164", "run", "warning"),
    }
    assert gaps(result) == [("shellcheck", "unparsable", "broken.sh")]
