"""The page on the pyATS Image Builder names everything that it has, and tests that are there."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/reference/pyats-image-builder.md").read_text()
KEYS = (
    *("tag", "python", "env", "platform", "files", "packages", "pip-config", "snapshot", "proxy"),
    *("cmds.pre", "cmds.post", "jobfiles", "requirements", "%ENV{NAME}", "url", "commit_id"),
    *("requirements_file", "credentials", "ssh_key", "GIT_SSL_NO_VERIFY"),
)
FLAGS = ("--tag", "--push", "--no-cache", "--keep-context", "--dry-run", "--verbose", "--path")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
TESTS = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


@pytest.mark.parametrize("name", [*KEYS, *FLAGS])
def test_everything_has_a_row(name: str) -> None:
    assert any(f"`{name}`" in row.split("|")[1] for row in ROWS)


def test_every_row_has_a_test() -> None:
    headings = ("| key ", "| path ", "| flag ", "| call ")
    assert [row for row in ROWS if "`tests/" not in row and not row.startswith(headings)] == []


@pytest.mark.parametrize("name", TESTS)
def test_the_tests_are_there(name: str) -> None:
    path, _, function = name.partition("::")
    assert f"def {function}" in (ROOT / path).read_text()
