from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from slipway.service.apipage import pages
from slipway.service.app import Application
from slipway.service.logs import logging_to
from slipway.service.records.errors import DatabaseError
from tests.service.app.asking import Part, ask, echo, service

if TYPE_CHECKING:
    from slipway.service.asgi import Receive, Scope, Send


def app(**more: Any) -> Application:
    return Application(service(**more), {"": echo, "/v4": echo}, pages([]))


@pytest.mark.parametrize("prefix", ["", "/apis/ims"])
def test_what_needs_nobody(prefix: str) -> None:
    assert ask(app(), "GET", f"{prefix}/healthz/live").body == b"{}\n"
    assert ask(app(), "GET", f"{prefix}/healthz/ready").body == b"{}\n"
    assert set(ask(app(), "GET", f"{prefix}/version").json()) == {"version"}
    metrics = ask(app(), "GET", f"{prefix}/metrics").body.decode()
    assert 'slipway_records{kind="image",state="live"} 3.0' in metrics
    assert "slipway_database_up 1.0" in metrics
    assert b"<title>Slipway API</title>" in ask(app(), "GET", f"{prefix}/docs").body


def test_head_and_other_methods() -> None:
    head = ask(app(), "HEAD", "/healthz/live")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "3")
    other = ask(app(), "POST", "/version")
    assert other.status == 405
    assert other.json() == {"message": "The method is not allowed for the requested URL."}
    assert ask(app(), "OPTIONS", "/healthz/ready").status == 200


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/v3/images", ""),
        ("/apis/ims/v3/images", "/apis/ims"),
        ("/v4/images", "/v4"),
        ("/apis/ims/v4/x", "/apis/ims/v4"),
    ],
)
def test_apis_by_path(path: str, root: str) -> None:
    said = ask(app(), "GET", path).json()
    assert (said["path"], said["root"], said["actor"]) == (path, root, "")


def test_not_ready_names_what_is_wrong_and_nothing_more() -> None:
    broken = Part(DatabaseError("it is full"))
    said = ask(
        app(records=broken, artifacts=Part(RuntimeError("s3://key?X-Amz-Signature=secret"))),
        "GET",
        "/healthz/ready",
    )
    assert said.status == 503
    assert said.headers["content-type"] == "application/problem+json"
    assert said.json()["detail"] == "database: it is full; artifacts: RuntimeError"
    assert ask(app(records=broken), "GET", "/healthz/live").status == 200
    assert "slipway_database_up 0.0" in ask(app(records=broken), "GET", "/metrics").body.decode()


def test_request_ids() -> None:
    assert ask(app(), "GET", "/v3/x", {"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    for wrong in ("", "a b", "x" * 200, "a\u00e9"):
        said = ask(app(), "GET", "/v3/x", {"X-Request-ID": wrong})
        assert said.headers["x-request-id"] != wrong
        assert said.json()["id"] == said.headers["x-request-id"]


def test_headers_for_browsers() -> None:
    said = ask(app(), "GET", "/v3/images").headers
    assert said["x-content-type-options"] == "nosniff"
    assert said["cache-control"] == "no-store"
    assert said["content-security-policy"].startswith("default-src 'none'")
    page = ask(app(), "GET", "/docs").headers["content-security-policy"]
    assert "unsafe" not in page
    assert "script-src 'self'" in page


def logged(application: Application, path: str, **more: Any) -> list[dict[str, Any]]:
    stream = io.StringIO()
    with logging_to(stream, "info"):
        ask(application, "GET", path, **more)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_line_for_a_request_without_its_query() -> None:
    [line] = logged(
        app(), "/v3/images?signature=secret", headers={"Authorization": "Bearer secret", "X-Request-ID": "r1"}
    )
    assert "secret" not in json.dumps(line)
    assert {key: line[key] for key in ("method", "path", "status", "actor", "request_id", "client")} == {
        "method": "GET",
        "path": "/v3/images",
        "status": 200,
        "actor": "",
        "request_id": "r1",
        "client": "127.0.0.1",
    }
    assert line["bytes"] > 0
    assert line["ms"] >= 0


def test_a_fault_is_answered_and_logged_with_the_request() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        logging.getLogger("some.library").warning("about to fail")
        raise RuntimeError("Bearer abcdef")

    application = Application(service(), {"": broken}, {})
    assert ask(application, "GET", "/x").status == 500
    warning, fault, request = logged(application, "/x")
    assert warning["request_id"] == fault["request_id"] == request["request_id"]
    assert "RuntimeError" in fault["trace"]
    assert "abcdef" not in fault["trace"]
    assert request["status"] == 500


def test_routes_of_metrics_are_few() -> None:
    from slipway.service.metrics import route

    assert route("/apis/ims/v3/images/1234") == "/apis/ims/v3/images/{}"
    assert route("/v4/images/../x/y") == "/v4/images/{}/{}/{}"
    assert route("/etc/passwd") == "other"
    assert route("/") == "other"
    assert route("") == "other"
    assert route("/v3/" + "x/" * 1000).count("{}") < 10
