from __future__ import annotations

from typing import Any, cast

import pytest

from slipway.service.app import Application
from slipway.service.auth.keys import NoKeysError
from slipway.service.auth.tokens import TokenError, Tokens
from slipway.service.model import Actor
from tests.service.app.asking import ask, echo, service


class Known:
    """Tokens that are names of roles."""

    async def actor(self, token: str) -> Actor:
        if token == "down":
            raise NoKeysError("the keys of the issuer cannot be fetched")
        if token == "bad":
            raise TokenError("the token has expired")
        return Actor("crew", frozenset({("*", token)} if token != "nothing" else ()))


def app(*, signed_in: bool = True, **settings: Any) -> Application:
    tokens = cast("Tokens", Known()) if signed_in else None
    return Application(service(**settings), {"": echo, "/artifacts": echo}, {}, tokens)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_who_asks_is_known_inside() -> None:
    assert ask(app(), "GET", "/v3/images", bearer("viewer")).json()["actor"] == "crew"
    assert ask(app(), "GET", "/v3/images", {"Authorization": "bearer  viewer"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}],
)
def test_without_a_token(headers: dict[str, str]) -> None:
    said = ask(app(), "GET", "/v3/images", headers)
    assert said.status == 401
    assert said.headers["www-authenticate"] == 'Bearer realm="slipway"'
    assert said.headers["content-type"] == "application/problem+json"


def test_with_one_that_is_not_good() -> None:
    said = ask(app(), "GET", "/v3/images", bearer("bad"))
    assert said.status == 401
    assert said.headers["www-authenticate"].endswith(
        'error="invalid_token", error_description="the token has expired"'
    )
    assert ask(app(), "GET", "/v3/images", bearer("nothing")).status == 403
    down = ask(app(), "GET", "/v3/images", bearer("down"))
    assert (down.status, down.headers["retry-after"]) == (503, "30")


@pytest.mark.parametrize(
    "path", ["/healthz/live", "/apis/ims/healthz/ready", "/version", "/metrics", "/artifacts/b/k?signature=x"]
)
def test_what_needs_no_token(path: str) -> None:
    assert ask(app(), "GET", path).status == 200


@pytest.mark.parametrize(
    "path", ["//healthz/live", "/healthz/live/", "/artifacts", "/apis/ims/apis/ims/version", "/x/../version"]
)
def test_no_way_around(path: str) -> None:
    assert ask(app(), "GET", path).status == 401


def test_the_body_is_not_read_before_the_door() -> None:
    assert ask(app(), "POST", "/v3/images", body=[b"x" * (2 << 20)]).status == 401
    assert ask(app(), "POST", "/v3/images", bearer("builder"), body=[b"x" * (2 << 20)]).status == 413


def test_rates_are_for_each_caller() -> None:
    one = app(rate=0.1)
    assert ask(one, "GET", "/v3/images", bearer("viewer")).status == 200
    late = ask(one, "GET", "/v3/images", bearer("viewer"))
    assert (late.status, late.headers["retry-after"]) == (429, "10")
    assert ask(one, "GET", "/healthz/live").status == 200
    assert [ask(one, "GET", "/v3/images", bearer("bad")).status for _ in range(2)] == [401, 429]
    assert ask(one, "GET", "/v3/images", bearer("bad"), client="192.0.2.7").status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "ims.example.org"}, 200),  # no browser: some proxy of ours
        ({"Host": "127.0.0.1:9000", "Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:9000"}, 200),
        ({"Host": "127.0.0.1:9000", "Sec-Fetch-Site": "cross-site"}, 200),  # a link
        ({"Host": "127.0.0.1:9000", "Origin": "https://evil.example.org"}, 403),
        ({"Host": "127.0.0.1:9000", "Origin": "null"}, 403),
        ({"Host": "evil.example.org:9000", "Origin": "http://evil.example.org:9000"}, 403),
        ({"Host": "evil.example.org:9000", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Host": "[", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Host": "ours.example.org", "Origin": "https://ours.example.org"}, 200),
    ],
)
def test_pages_of_other_sites_get_nowhere_without_sign_in(headers: dict[str, str], status: int) -> None:
    one = app(signed_in=False, public_url="https://ours.example.org")
    assert ask(one, "DELETE", "/v3/images", headers).status == status
