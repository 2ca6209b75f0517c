"""`slipway advisories`: what people type and see."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import command
from tests.scan.advisories.kit import JINJA, LODASH, OPENSSL, archive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

Call = "Callable[..., Outcome]"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return archive(tmp_path / "all.zip", [JINJA, LODASH, OPENSSL])


def test_update_list_show(call: Callable[..., Outcome], source: Path) -> None:
    assert "no feeds yet" in call("advisories", "list").out
    done = call("advisories", "update", "osv:mine", "--from", str(source))
    assert (done.status, done.out) == (0, "osv:mine: 3 advisories (3 new, 0 changed, 0 gone)\n")
    again = call("advisories", "update", "--json")
    assert again.lines[-1]["feeds"][0] == {
        "feed": "osv:mine", "date": "2026-11-20T12:00:00Z", "advisories": 3, "added": 0, "changed": 0, "removed": 0,
    }  # fmt: skip
    listed = call("advisories", "list").out
    assert re.search(rf"osv:mine +3  2026-11-20  \S+  {re.escape(str(source))}", listed)
    assert "ubuntu" in listed
    data = call("advisories", "list", "--json").lines[-1]
    assert data["feeds"][0]["ecosystems"] == ["Debian:12", "Debian:13", "PyPI", "npm"]
    shown = call("advisories", "show", "CVE-2024-34064").out
    for words in (JINJA["id"], "medium (github, MODERATE, CVSS:3.1", "x < 3.1.4", "They end up in the page."):
        assert words in shown
    assert (
        call("advisories", "show", "CVE-2023-0464", "--json").lines[-1]["advisories"][0]["id"]
        == OPENSSL["id"]
    )


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (("show", "CVE-1999-1"), 2, "no feed here speaks of CVE-1999-1"),
        (("update", "nonsense"), 2, "there is no feed 'nonsense'"),
        (("update", "osv:x", "--from", "no/such"), 2, "there is no file or directory"),
        (("serve", "--port", "70000"), 2, "70000 is not in the range"),
    ],
)
def test_errors(call: Callable[..., Outcome], argv: tuple[str, ...], status: int, words: str) -> None:
    done = call("advisories", *argv)
    assert done.status == status
    assert words in done.err


def test_offline(call: Callable[..., Outcome]) -> None:
    done = call("--offline", "advisories", "update")
    assert done.status == 4
    assert "not updated: osv:PyPI, osv:npm" in done.err


def test_control_characters_do_not_reach_the_terminal(call: Callable[..., Outcome], tmp_path: Path) -> None:
    evil = {**JINJA, "details": "\x1b[2Jgone\x07", "summary": "\x1b]0;title\x07"}
    call("advisories", "update", "osv:mine", "--from", str(archive(tmp_path / "evil.zip", [evil])))
    assert "\x1b" not in call("advisories", "show", JINJA["id"]).out


def test_serve(call: Callable[..., Outcome], source: Path) -> None:
    call("advisories", "update", "osv:mine", "--from", str(source))
    argv = command("advisories", "serve", "--port", "0")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=os.environ.copy()) as running:
        assert running.stdout is not None
        said = re.match(r"serving on (http://127\.0\.0\.1:\d+)\n", running.stdout.readline())
        assert said
        question: dict[str, Any] = {"package": {"name": "lodash", "ecosystem": "npm"}, "version": "4.17.20"}
        with urllib.request.urlopen(
            f"{said[1]}/v1/query", json.dumps(question).encode(), timeout=10
        ) as answer:
            assert [v["id"] for v in json.load(answer)["vulns"]] == [LODASH["id"]]
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
