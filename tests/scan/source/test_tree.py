"""Which files are looked at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from slipway.errors import UsageError
from slipway.events import Reporter
from slipway.scan.source.content import LARGEST
from slipway.scan.source.globs import matcher
from slipway.scan.source.tree import tree
from tests.scan.source.kit import content, gaps, git, look, write

if TYPE_CHECKING:
    from pathlib import Path


def names(*paths: Path, exclude: tuple[str, ...] = ()) -> list[str]:
    return list(tree(paths, exclude, Reporter()).files)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = write(
        tmp_path / "project",
        {
            "a.py": "",
            "sub/b.yml": "",
            "out/made.py": "",
            ".gitignore": "out/\n",
            "node_modules/x.js": "",
            "neu é.txt": "",
        },
    )
    git(tmp_path, "init", "-q", str(root))
    return root


def test_what_git_tracks_and_does_not_ignore(project: Path) -> None:
    git(project, "add", "a.py")
    write(project, {"gone.py": ""})
    git(project, "add", "gone.py")
    (project / "gone.py").unlink()
    assert names(project) == [".gitignore", "a.py", "neu é.txt", "node_modules/x.js", "sub/b.yml"]
    # paths are the same wherever the scan starts
    assert names(project / "sub") == ["sub/b.yml"]
    assert names(project / "a.py", project / "sub") == ["a.py", "sub/b.yml"]
    # what is asked for is looked at, ignored or not
    assert names(project / "out") == ["out/made.py"]
    assert names(project / "out/made.py") == ["out/made.py"]


def test_submodules_and_repositories_within(project: Path) -> None:
    write(project, {"inner/c.py": "", "inner/.gitignore": "d.py\n", "inner/d.py": ""})
    git(project, "init", "-q", "inner")
    assert "inner/c.py" in names(project)
    assert "inner/d.py" not in names(project)


def test_without_git_all_but_caches(tmp_path: Path) -> None:
    root = write(
        tmp_path / "x",
        {"a.py": "", ".venv/b.py": "", "__pycache__/c.pyc": "", ".git2/d": "", "node_modules/e": ""},
    )
    assert names(root) == [".git2/d", "a.py"]


def test_the_environment_of_a_hook_does_not_lead_elsewhere(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert "a.py" in names(project)


def test_a_checkout_starts_no_program(project: Path, tmp_path: Path) -> None:
    program = write(tmp_path, {"hook": f"#!/bin/sh\ntouch {tmp_path}/started\n"}) / "hook"
    program.chmod(0o755)
    git(project, "config", "core.fsmonitor", str(program))
    assert "a.py" in names(project)
    assert not (tmp_path / "started").exists()


def test_symlinks_and_pipes_are_not_followed(project: Path, tmp_path: Path) -> None:
    write(tmp_path, {"outside/secret.py": ""})
    (project / "link.py").symlink_to(tmp_path / "outside/secret.py")
    (project / "dir").symlink_to(tmp_path / "outside")
    os.mkfifo(project / "pipe.py")
    assert not {"link.py", "dir/secret.py", "pipe.py"} & set(names(project))
    # a directory of the index that has become a symlink
    write(project, {"was/secret.py": ""})
    git(project, "add", "was")
    (project / "was/secret.py").unlink()
    (project / "was").rmdir()
    (project / "was").symlink_to(tmp_path / "outside")
    assert "was/secret.py" not in names(project)


def test_nothing_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = look(tmp_path / "empty")
    assert gaps(result) == [("files", "nothing", "")]
    assert result.outcome("error") == "unknown"
    with pytest.raises(UsageError, match="there is no"):
        names(tmp_path / "nowhere")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"a.py": "", "closed/b.py": ""})
    (root / "a.py").chmod(0)
    (root / "closed").chmod(0)
    assert gaps(look(root)) == [("files", "unread", "a.py"), ("files", "unread", "closed")]
    (root / "closed").chmod(0o755)


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "x", {"a.py": "", "b.yml": "{"})

    def read(full: Path, path: str):
        if path == "a.py":
            raise PermissionError(13, "Permission denied")
        return content(path, full.read_bytes())

    monkeypatch.setattr("slipway.scan.source.reading.read", read)
    result = look(root)
    assert gaps(result) == [("files", "unread", "a.py")]
    assert [each.path for each in result.results] == ["b.yml"]  # the others are looked at all the same


def test_large_and_binary_files(tmp_path: Path) -> None:
    root = write(
        tmp_path / "x",
        {"data.bin": b"\0" * (LARGEST + 1), "small.bin": b"\0\1", "log.txt": b"a" * (LARGEST + 1)},
    )
    assert gaps(look(root)) == [("files", "too-large", "log.txt")]
    assert look(root, exclude=("*.txt",)).complete


@pytest.mark.parametrize(
    ("glob", "fits", "does_not"),
    [
        ("*.py", "a/b.py", "a/b.pyc"),
        ("docs", "a/docs/x", "a/docs2/x"),
        ("/docs", "docs/x", "a/docs/x"),
        ("a/*/c", "a/b/c/d", "a/b/b/c"),
        ("a/**/c", "a/b/b/c", "b/a/c"),
        ("a/**", "a/b/c", "b"),
        ("x[!0-9].y", "xa.y", "x1.y"),
        ("a+b?", "a+bc", "aab"),
        ("./a/", "a/b", "b/a"),
    ],
)
def test_patterns(glob: str, fits: str, does_not: str) -> None:
    assert matcher([glob])(fits)
    assert not matcher([glob])(does_not)
    assert not matcher([])(fits)


def test_excluded(project: Path) -> None:
    assert names(project, exclude=("node_modules", "*.txt", "/sub/")) == [".gitignore", "a.py"]


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("#!/usr/bin/python3", "python"),
        ("#!/usr/bin/env python", "python"),
        ("#! /usr/bin/env -S python3.12 -u", "python"),
        ("#!/usr/bin/env -S A=b /opt/bin/python", "python"),
        ("#!/opt/conda/bin/python3.11 -E", "python"),
        ("#!/usr/bin/pypy3", "pypy"),
        ("#!/bin/sh", "sh"),
        ("#!/bin/bash -e", "bash"),
        ("#!/usr/bin/pythonic-tool", ""),
        ("# python", ""),
    ],
)
def test_programs_in_first_lines(line: str, program: str) -> None:
    assert content("x", f"{line}\nx\n").interpreter == program


def test_texts() -> None:
    assert content("x", b"\xff\xfea\0b\0").text == "ab"
    assert content("x", "\ufeffa".encode()).text == "a"
    assert content("x", b"a\0b").text is None
    latin = content("x", "é".encode("latin-1"))
    assert (latin.text, latin.encoded) == ("é", False)
