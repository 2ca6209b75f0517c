"""`slipway scan source`, as it is typed."""

from __future__ import annotations

import json

import pytest

from tests.scan.source.kit import git, write


@pytest.fixture
def project(home, monkeypatch):
    root = write(home / "project", {"a.yml": "a: 1\n", "b.py": "x = 1\n"})
    git(root, "init", "-q")
    monkeypatch.chdir(root)
    return root


def test_well(call, project):
    done = call("scan", "source")
    assert done.status == 0
    assert "0 errors, 0 warnings, 0 notes; passed" in done.out


def test_two_bad_files_fail(call, project):
    """The original's exit status was the number of bad files, and its caller looked for 1."""
    for count in (1, 2, 3):
        write(project, {f"bad{count}.yaml": "a: [\n"})
        done = call("scan", "source", "--only", "syntax")
        assert done.status == 10
        assert done.out.count("yaml-invalid") == count


def test_what_was_not_looked_at_is_no_success(call, project):
    few = ("--only", "syntax", "--only", "dependencies")
    write(project, {"t.yaml": "{{ if }}\na: [\n", "requirements.txt": "x\n"})
    done = call("scan", "source", *few)
    assert done.status == 11
    assert "NOT LOOKED AT" in done.out
    assert "skipped: a template" in done.out
    assert call("scan", "source", *few, "--fail-on", "never").status == 11
    accepted = "".join(
        f"- {{rule: {rule}, reason: r, owner: o, expires: 2999-01-01}}\n" for rule in ("template", "unpinned")
    )
    write(project, {"waived.yml": f"suppressions:\n{accepted}"})
    assert call("scan", "source", *few, "--suppressions", "waived.yml").status == 0
    assert call("scan", "source", *few, "--exclude", "t.yaml", "--exclude", "requirements.txt").status == 0


def test_levels(call, project):
    write(project, {"c.py": "assert x\n"})
    assert call("scan", "source", "--only", "ruff").status == 0
    assert "notes are listed with --verbose" in call("scan", "source", "--only", "ruff").out
    done = call("scan", "source", "--only", "ruff", "--fail-on", "note")
    assert done.status == 10
    assert "S101" in done.out
    write(project, {"c.py": "eval(x)\n"})
    assert call("scan", "source", "--only", "ruff").status == 10
    assert call("scan", "source", "--only", "ruff", "--fail-on", "error").status == 0
    assert call("scan", "source", "--only", "ruff", "--fail-on", "never").status == 0


def test_a_baseline(call, project):
    write(project, {"c.py": "eval(x)\n"})
    assert call("scan", "source", "--only", "ruff", "--update-baseline").status == 2
    assert call("scan", "source", "--only", "ruff", "--baseline", "known.json").status == 2
    assert (
        call("scan", "source", "--only", "ruff", "--baseline", "known.json", "--update-baseline").status == 10
    )
    done = call("scan", "source", "--only", "ruff", "--baseline", "known.json")
    assert done.status == 0
    assert "1 known before" in done.out
    write(project, {"d.py": "exec(x)\n"})
    assert call("scan", "source", "--only", "ruff", "--baseline", "known.json").status == 10
    assert (
        call("scan", "source", "--only", "ruff", "--baseline", "known.json", "--update-baseline").status == 10
    )
    assert call("scan", "source", "--only", "ruff", "--baseline", "known.json").status == 0


@pytest.mark.parametrize("form", ["json", "sarif", "markdown", "table"])
def test_forms(call, project, form):
    write(project, {"c.py": "eval(x)\n"})
    printed = call("--quiet", "scan", "source", "--only", "ruff", "--format", form)
    assert printed.status == 10
    done = call("--quiet", "scan", "source", "--only", "ruff", "--format", form, "-o", "out.txt")
    assert (done.status, done.out) == (10, "")
    assert "S307" in printed.out
    if form in ("json", "sarif"):
        assert json.loads((project / "out.txt").read_text())


def test_checks(call, project):
    write(project, {"c.py": "eval(x)\n"})
    assert call("scan", "source", "--only", "syntax", "--only", "secrets").status == 0
    assert call("scan", "source", "--skip", "bandit", "--skip", "ruff=x").status == 11
    assert call("scan", "source", "--skip", "bandit=slow", "--skip", "ruff=x").status == 0
    assert call("scan", "source", "--skip", "nothing").status == 2
    assert call("scan", "source", "nowhere").status == 2


def test_names_cannot_steer_a_terminal(call, project):
    write(project, {"c\x1b[31m.py": "eval(x)\n"})
    done = call("scan", "source", "--only", "ruff")
    assert "\x1b" not in done.out
    assert "S307" in done.out
