from __future__ import annotations

from typing import Any

import pytest

from slipway.service import limits
from slipway.service.limits import Bodies, Rates
from tests.service.app.asking import ask, echo


def bodies(limit: int = 10, upload: int = 0) -> Bodies:
    return Bodies(echo, limit, upload, lambda scope: scope["path"] == "/upload")


def test_small_bodies_arrive_whole() -> None:
    assert ask(bodies(), "POST", "/x", body=[b"12345", b"67890"]).json()["size"] == 10
    assert ask(bodies(), "GET", "/x").json()["size"] == 0


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}, {"Content-Length": "-"}])
def test_what_is_too_large(headers: dict[str, str]) -> None:
    said = ask(bodies(), "POST", "/x", headers, body=[b"12345678", b"901"])
    assert said.status == 413
    assert said.headers["connection"] == "close"
    assert said.json()["detail"] == "The body may have 10 bytes at most."


def test_uploads_have_a_limit_of_their_own() -> None:
    assert ask(bodies(), "PUT", "/upload", body=[b"x" * 100] * 10).json()["size"] == 1000
    assert ask(bodies(upload=999), "PUT", "/upload", body=[b"x" * 100] * 10).status == 413
    chunked = {"Transfer-Encoding": "chunked"}
    assert ask(bodies(upload=999), "PUT", "/upload", chunked, body=[b"x" * 100] * 10).status == 0  # cut


def test_a_slow_body_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_WHOLE", 0.05)
    monkeypatch.setattr(limits, "_SILENCE", 0.05)
    assert ask(bodies(), "POST", "/x", body=[b"1"] * 9, pause=0.02).status == 408
    assert ask(bodies(), "PUT", "/upload", body=[b"1"] * 9, pause=0.02).json()["size"] == 9
    assert ask(bodies(), "PUT", "/upload", body=[b"1"] * 2, pause=0.2).status == 0


def test_what_is_buffered_is_bounded_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_BUFFERED", 5)
    app = bodies()
    assert ask(app, "POST", "/x", body=[b"123456"]).status == 503
    assert ask(app, "POST", "/x", body=[b"12345"]).status == 200


def test_an_error_of_the_application_is_not_a_slow_body() -> None:
    async def broken(*_: Any) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        ask(Bodies(broken, 10, 0, lambda _: False), "POST", "/x", body=[b"1"])


def test_rates() -> None:
    now = [0.0]
    rates = Rates(2, lambda: now[0])
    assert [rates.wait("a") for _ in range(5)] == [0, 0, 0, 0, 1]
    assert rates.wait("b") == 0
    now[0] = 0.5
    assert [rates.wait("a"), rates.wait("a")] == [0, 1]
    now[0] = 100
    assert [rates.wait("a") for _ in range(5)] == [0, 0, 0, 0, 1]
    slow = Rates(0.1, lambda: now[0])
    assert [slow.wait("a"), slow.wait("a")] == [0, 10]
    assert Rates(0).wait("a") == 0


def test_rates_remember_a_bounded_number_of_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_CALLERS", 3)
    rates = Rates(1, lambda: 0)
    for caller in "abcdef":
        rates.wait(caller)
    assert len(rates._buckets) == 3
