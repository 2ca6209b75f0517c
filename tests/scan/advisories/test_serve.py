"""OSV's interface on loopback, asked as other tools ask it; pip-audit itself is one of them."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import UsageError
from slipway.scan.advisories import answers
from slipway.scan.advisories.serve import Server
from tests.scan.advisories.kit import (
    JINJA,
    JINJA_PYSEC,
    LINUX,
    LODASH,
    OPENSSL,
    OPENSSL_DSA,
    archive,
    bring,
    package,
    record,
    settings_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GONE = record(
    "PYSEC-2024-1", package("PyPI", "jinja2", {"introduced": "0"}), withdrawn="2024-01-01T00:00:00Z"
)
LEGACY = record("PYSEC-2024-2", package("PyPI", "pytz", {"introduced": "0"}, {"fixed": "2005.1"}))
RECORDS = [JINJA, JINJA_PYSEC, GONE, LEGACY, LODASH, OPENSSL, OPENSSL_DSA, LINUX]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("serve")
    settings = settings_in(home)
    bring(settings, "osv:all", archive(home / "all.zip", RECORDS))
    with Server(settings) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def ask(server: Server) -> Callable[[str, Any], tuple[int, Any]]:
    """POST a document, or GET when there is none; status and answer."""

    def call(path: str, question: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        body = question if isinstance(question, bytes | None) else json.dumps(question)
        connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        data = json.loads(answer.read())
        connection.close()
        return answer.status, data

    return call


def of(name: str, version: str = "", ecosystem: str = "PyPI") -> dict[str, Any]:
    return {"package": {"name": name, "ecosystem": ecosystem}, "version": version}


def found(answer: tuple[int, Any]) -> list[str]:
    assert answer[0] == 200, answer
    return [v["id"] for v in answer[1].get("vulns", [])]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (of("Jinja2", "3.1.3"), [JINJA["id"], JINJA_PYSEC["id"]]),  # neither the withdrawn one
        (of("jinja2", "3.1.4"), []),
        (of("jinja2"), [JINJA["id"], JINJA_PYSEC["id"]]),
        (of("unheard-of", "1"), []),
        (of("pytz", "2004d"), [LEGACY["id"]]),  # who can tell
        (of("lodash", "4.17.20", "npm"), [LODASH["id"]]),
        (of("openssl", "3.0.8-1", "Debian:12"), [OPENSSL["id"], OPENSSL_DSA["id"]]),
        (of("openssl", "3.0.8-1", "Debian:13"), [OPENSSL["id"]]),
        (of("openssl", "3.0.8-1", "Debian"), [OPENSSL["id"], OPENSSL_DSA["id"]]),
        ({"package": {"purl": "pkg:pypi/jinja2@3.1.3"}}, [JINJA["id"], JINJA_PYSEC["id"]]),
        ({"package": {"purl": "pkg:pypi/jinja2"}, "version": "3.1.4"}, []),
        ({"package": {"purl": "pkg:deb/debian/linux@6.1.1-1?distro=debian-12"}}, [LINUX["id"]]),
    ],
)
def test_query(ask: Any, question: dict[str, Any], expected: list[str]) -> None:
    assert found(ask("/v1/query", question)) == expected


def test_times_are_what_pip_audit_reads(ask: Any) -> None:
    for document in ask("/v1/query", of("jinja2", "3.1.3"))[1]["vulns"]:
        for name in {"modified", "published"} & document.keys():
            datetime.strptime(document[name], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def test_batch(ask: Any) -> None:
    status, answer = ask("/v1/querybatch", {"queries": [of("jinja2", "3.1.3"), of("jinja2", "3.1.4")]})
    assert status == 200
    ids = [{"id": r["id"], "modified": "2026-11-20T12:00:00Z"} for r in (JINJA, JINJA_PYSEC)]
    assert answer == {"results": [{"vulns": ids}, {}]}


def test_pages(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PAGE", 1)
    _, first = ask("/v1/query", of("jinja2", "3.1.3"))
    assert [v["id"] for v in first["vulns"]] == [JINJA["id"]]
    _, second = ask("/v1/query", of("jinja2", "3.1.3") | {"page_token": first["next_page_token"]})
    assert [v["id"] for v in second["vulns"]] == [JINJA_PYSEC["id"]]
    assert "next_page_token" not in second
    _, batch = ask("/v1/querybatch", {"queries": [of("jinja2", "3.1.3")]})
    assert batch["results"][0]["next_page_token"] == first["next_page_token"]


def test_one_advisory(ask: Any) -> None:
    status, document = ask(f"/v1/vulns/{JINJA['id']}")
    assert (status, document["id"], document["aliases"]) == (200, JINJA["id"], ["CVE-2024-34064"])
    assert ask("/v1/vulns/CVE-2024-34064") == (
        404,
        {"code": 5, "message": "Bug not found."},
    )  # an alias is no id
    assert ask("/v1/nothing")[0] == ask("/v1/nothing", {})[0] == 404


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        ([], "not a mapping"),
        ({}, "only questions about a package"),
        ({"commit": "6879efc2c1596d11a6a6ad296f80063b558d5e0f"}, "only questions about a package"),
        (of("requests", "1", "CRAN"), "no advisories here for 'CRAN'"),
        ({"package": {"name": ["x"], "ecosystem": "PyPI"}}, "not texts"),
        ({"package": {"purl": "nonsense"}}, "not a package URL"),
        ({"package": {"purl": "pkg:swid/x@1"}}, "no advisories here"),
        (of("x") | {"page_token": 5}, "page_token is not a text"),
    ],
)
def test_what_cannot_be_answered_is_an_error(ask: Any, question: Any, message: str) -> None:
    """Never an empty answer, which would mean that all is well."""
    status, answer = ask("/v1/query", question)
    assert (status, answer["code"]) == (400, 3)
    assert message in answer["message"]


def test_batches_that_cannot_be_answered(ask: Any) -> None:
    for question in ({}, {"queries": "x"}, {"queries": ["x"]}, {"queries": [of("x")] * 1001}):
        assert ask("/v1/querybatch", question)[0] == 400


def test_a_question_that_is_too_long_or_has_no_length(server: Server) -> None:
    for head in (b"Content-Length: 99999999", b"Transfer-Encoding: chunked", b"Content-Length: -5"):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
            connection.sendall(b"POST /v1/query HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
            assert connection.makefile("rb").readline().split()[1] == b"413"


def test_it_listens_on_loopback_only(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(UsageError, match="cannot listen"):
        Server(server.settings, server.server_port)


def test_a_damaged_database_is_an_error(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    path = settings.cache / "advisories" / "advisories.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * 5000)
    with Server(settings) as running:
        thread = threading.Thread(target=running.handle_request)
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", running.server_port, timeout=10)
        connection.request("GET", "/v1/vulns/X-1")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (500, 13)
        connection.close()
        thread.join()


@pytest.fixture(scope="module")
def pip_audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In an environment of its own: it brings a pip."""
    venv = tmp_path_factory.mktemp("pip-audit") / "venv"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, venv], check=True, capture_output=True)
    argv: list[str | Path] = [
        uv,
        "pip",
        "install",
        "-q",
        "--python",
        venv / "bin/python",
        "pip-audit>=2.9,<3",
    ]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip-audit cannot be installed: {done.stderr.strip()[-300:]}")
    return venv / "bin/pip-audit"


@pytest.mark.net
@pytest.mark.slow
def test_pip_audit(server: Server, pip_audit: Path, tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text("jinja2==3.1.3\nrequests==2.32.0\n")
    argv = [
        str(pip_audit),
        "-r",
        str(listed),
        "--no-deps",
        "--disable-pip",
        "-f",
        "json",
        "--progress-spinner",
        "off",
    ]
    argv += ["-s", "osv", "--osv-url", f"{server.address}/v1/query", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    packages = {d["name"]: d for d in json.loads(done.stdout)["dependencies"]}
    assert not any("skip_reason" in d for d in packages.values())
    assert packages["requests"]["vulns"] == []
    told = {v["id"]: v for v in packages["jinja2"]["vulns"]}
    assert told.keys() & {"CVE-2024-34064", JINJA["id"], JINJA_PYSEC["id"]}
    assert all(v["fix_versions"] == ["3.1.4"] for v in told.values())
    listed.write_text("jinja2==3.1.4\n")
    assert subprocess.run(argv, capture_output=True, timeout=120, check=False).returncode == 0
