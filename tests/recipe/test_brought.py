"""`files`, `run`, `requirements` and `jobfiles`: the forms in which they can be written."""

from __future__ import annotations

import re
import time

import pytest

from slipway.errors import Where
from slipway.recipe.model import Discovery, FileItem, RunStep, Secret
from tests.recipe.helpers import FILE, read, the_problem
from tests.recipe.test_load import MORE


def item(text: str) -> FileItem:
    (found,) = read(f"files: [{text}]").files
    return found


@pytest.mark.parametrize(
    ("text", "dest", "source"),
    [
        ("'c:x'", "c:x", "c:x"),
        ("'a:b/c'", "c", "a:b/c"),
        ("'scp://user@host:23/path/to/file'", "file", "scp://user@host:23/path/to/file"),
        ("'ftp://host:2121/a/b?c'", "b", "ftp://host:2121/a/b?c"),
        ("'FTPS://u:p@host/a/b/'", "b", "FTPS://u:p@host/a/b/"),
        ("'sftp://u@[::1]/a'", "a", "sftp://u@[::1]/a"),
        ("'s3://bucket/a/b'", "b", "s3://bucket/a/b"),
        ("'file:///a/b'", "b", "file:///a/b"),
        ("'https://u:p@[::1]:8443/a'", "a", "https://u:p@[::1]:8443/a"),
        ("{bin/tool: x}", "bin/tool", "x"),
        ("{bin: x}", "bin", "x"),
        ("{mode: x}", "mode", "x"),
        ("{url: x, dest: y}", "y", "x"),
        ("{source: a/x, mode: 0644}", "x", "a/x"),
        ("{url: 'https://h/t.tar.gz', extract: true}", "t", "https://h/t.tar.gz"),
        ("{url: a/t.TGZ, extract: true}", "t", "a/t.TGZ"),
        ("{url: a/t.tar.gz, extract: false}", "t.tar.gz", "a/t.tar.gz"),
        ("{url: a/t, extract: true}", "t", "a/t"),
    ],
)
def test_sources_and_names(text: str, dest: str, source: str):
    found = item(text)
    assert (found.dest, found.source) == (dest, source)


def test_every_key_of_a_file():
    assert item(
        f"{{url: x, dest: y, sha256: 'sha256:{'AB' * 32}', mode: 0750, owner: 010:5, extract: TRUE}}"
    ) == (FileItem("y", "x", Where(str(FILE), 1, 9), "ab" * 32, 0o750, "10:5", extract=True))


@pytest.mark.parametrize(
    ("written", "mode"),
    [("0755", 0o755), ("'0755'", 0o755), ("'755'", 0o755), ("0o644", 0o644), ("'4755'", 0o4755), ("0000", 0)],
)
def test_modes_are_octal(written: str, mode: int):
    assert item(f"{{url: x, mode: {written}}}").mode == mode


def test_a_file_inside_a_directory_or_repository():
    recipe = read(
        "files: [data, {data/x: y}, {repo/z: q}]\nrepositories: {repo: {url: x}, repo/inner: {url: y}}"
    )
    assert [f.dest for f in recipe.files] == ["data", "data/x", "repo/z"]


def test_an_archive_is_a_directory():
    assert read("files: [{url: 'https://h/a.zip', extract: true}, {a/b: c}]").files[1].dest == "a/b"


# run


def test_steps():
    assert read(MORE).run == (
        RunStep(("/bin/sh", "-c", "pyats version check"), Where(str(FILE), 33, 5)),
        RunStep(("make", "install"), Where(str(FILE), 34, 5)),
        RunStep(
            ("/bin/sh", "-c", "make"),
            Where(str(FILE), 35, 5),
            name="compile",
            env=(("CC", "gcc"), ("V", "1")),
            network=True,
            cache=("/root/.cache",),
            secrets=(
                Secret("TOKEN", "env:TOKEN", "/run/secrets/TOKEN"),
                Secret("netrc", "/team/conf/netrc", "/root/.netrc"),
            ),
            user="1000",
            workdir="/pyats/src",
        ),
    )


def test_of_several_lines_each_must_succeed():
    """Defect of the pyATS Image Builder: of several commands, the status of the last one alone counted."""
    (step,) = read("run:\n- |\n  false\n  true\n").run
    assert step.command == ("/bin/sh", "-ec", "false\ntrue\n")


def test_a_secret_from_a_variable_of_another_name():
    (step,) = read("run: [{command: x, secrets: [{id: my-token, env: TOKEN}]}]").run
    assert step.secrets == (Secret("my-token", "env:TOKEN", "/run/secrets/my-token"),)


# discovery


def test_what_to_look_for():
    """Defect of the pyATS Image Builder: the key `requirements` was refused by its own schema."""
    recipe = read(MORE)
    assert recipe.requirements == Discovery(("req.*",), ("*/req.txt",), ("tests/requirements.txt",))
    assert recipe.jobfiles == Discovery((r".*job.*\.py$",))
    assert read("").jobfiles == Discovery()


@pytest.mark.parametrize(
    "expression",
    [
        r".*job.*\.py$",
        r"(?i)^(smoke|sanity)_job_[0-9]{1,3}(_v[0-9]+)?\.py$",
        r"(?P<a>x)(?:y)(?=z)(?!q)[]*+?]+\(\*",
        r"[^*]*_job",
        r"job(?# a comment)",
    ],
)
def test_expressions_that_are_fine(expression: str):
    assert read(f"jobfiles: {{match: ['{expression}']}}").jobfiles.match == (expression,)


@pytest.mark.parametrize(
    "expression",
    ["(a*)*b", "(a|a)*b", "(?:a+b?)+c", "((a|b))+c", "(a+){9}b", "a?" * 9 + "a" * 9, "(?:(x+x+)+)y"],
)
def test_expressions_that_could_hang(expression: str):
    assert "could take forever" in the_problem(f"jobfiles: {{match: ['{expression}']}}").message


def test_the_worst_expression_ends():
    (worst,) = read("jobfiles: {match: ['(a*a*a*a*)b']}").jobfiles.match
    start = time.process_time()
    assert not re.match(worst, "a" * 120)
    assert time.process_time() - start < 5
