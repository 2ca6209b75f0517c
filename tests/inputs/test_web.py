from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError
from slipway.events import Reporter, StepEnded
from slipway.inputs.bring import bring
from slipway.inputs.kept import path_of
from slipway.inputs.memory import Wanted
from slipway.net import Client
from tests.inputs.server import Server, cut, status

if TYPE_CHECKING:
    from slipway.events import Event
    from slipway.inputs.memory import Brought
    from slipway.settings import Settings

DAY = 86400


def fetch(server: Server, settings: Settings, now: float, *, refresh: bool = False) -> Brought:
    return fetch_url(server.url("/f"), settings, now, refresh=refresh)


def fetch_url(url: str, settings: Settings, now: float, *, refresh: bool = False) -> Brought:
    (found,) = bring([Wanted(url)], settings, Reporter(), refresh=refresh, now=now)
    return found


def content(brought: Brought, settings: Settings) -> bytes:
    return path_of(brought.sha256, settings).read_bytes()


@pytest.mark.parametrize("headers", [{"ETag": '"1"'}, {"Last-Modified": "Tue, 14 Nov 2023 22:13:50 GMT"}])
def test_asked_when_old_and_free_when_unchanged(
    server: Server, settings: Settings, headers: dict[str, str]
) -> None:
    resource = server.add("/f", b"one", headers=headers)
    first = fetch(server, settings, 1000)
    assert (first.sha256, first.size, content(first, settings)) == (resource.sha256, 3, b"one")
    assert fetch(server, settings, 1000 + DAY - 1) == first
    assert len(server.requests) == 1
    assert fetch(server, settings, 1000 + DAY) == first
    assert len(server.requests) == 2
    sent = server.requests[1][1]
    assert {sent.get("If-None-Match"), sent.get("If-Modified-Since")} == {None, *headers.values()}
    assert fetch(server, settings, 1000 + DAY + 5) == first  # the 304 made it young again
    assert len(server.requests) == 2


def test_changed(server: Server, settings: Settings) -> None:
    server.add("/f", b"one", headers={"ETag": '"1"'})
    fetch(server, settings, 1000)
    server.add("/f", b"other", headers={"ETag": '"2"'})
    assert content(fetch(server, settings, 1000 + DAY), settings) == b"other"


def test_refresh_and_a_clock_that_went_back(server: Server, settings: Settings) -> None:
    server.add("/f", b"one")
    fetch(server, settings, 1000)
    fetch(server, settings, 1000, refresh=True)
    fetch(server, settings, 900)
    assert len(server.requests) == 3


def test_never_without_asking(server: Server, settings: Settings) -> None:
    server.add("/f", b"one")
    for _ in range(2):
        fetch(server, settings.with_(max_age=0), 1000)
    assert len(server.requests) == 2


def test_lost_bytes_are_fetched_without_condition(server: Server, settings: Settings) -> None:
    server.add("/f", b"one", headers={"ETag": '"1"'})
    first = fetch(server, settings, 1000)
    path_of(first.sha256, settings).unlink()
    assert fetch(server, settings, 1001) == first
    assert "If-None-Match" not in server.requests[1][1]


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"url": 1}'])
def test_damaged_memory(server: Server, settings: Settings, damage: bytes) -> None:
    server.add("/f", b"one")
    fetch(server, settings, 1000)
    for file in (settings.cache / "web").iterdir():
        file.write_bytes(damage)
    fetch(server, settings, 1001)
    assert len(server.requests) == 2


@pytest.mark.parametrize("code", [203, 204, 206, 226, 304])
def test_only_200_counts(server: Server, settings: Settings, code: int) -> None:
    server.add("/f", b"one", faults=[status(code)])
    with pytest.raises(FetchError, match=str(code)):
        fetch(server, settings, 1000)


def test_credentials_are_not_kept(server: Server, settings: Settings) -> None:
    server.add("/f?token=abc123", b"one")
    url = server.url("/f?token=abc123").replace("://", "://me:secret@")
    fetch_url(url, settings, 1000)
    kept = b"".join(p.read_bytes() for p in settings.cache.rglob("*.json"))
    assert b"sha256" in kept
    assert b"secret" not in kept
    assert b"abc123" not in kept


def test_unasked_encoding_is_undone_also_when_cut(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "pause", lambda *_: None)
    data = b"hello " * 100_000
    coded = gzip.compress(data, mtime=0)
    headers = {"Content-Encoding": "gzip", "ETag": '"1"'}
    server.add("/f", coded, headers=headers, faults=[cut(len(coded) // 2)])
    found = fetch(server, settings, 1000)
    assert content(found, settings) == data
    assert "Range" not in server.requests[1][1]


def test_interrupted_and_resumed(server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "pause", lambda *_: None)
    data = bytes(range(256)) * 4000
    server.add("/f", data, headers={"ETag": '"1"'}, faults=[cut(500_000), status(500), cut(100_000)])
    assert content(fetch(server, settings, 1000), settings) == data
    assert [h.get("Range") for _, h in server.requests] == [
        None,
        "bytes=500000-",
        "bytes=500000-",
        "bytes=600000-",
    ]


def test_reports(server: Server, settings: Settings) -> None:
    server.add("/f", b"one", headers={"ETag": '"1"'})
    events: list[Event] = []
    for now in (1000, 1000 + DAY):
        bring([Wanted(server.url("/f"))], settings, Reporter(events.append), now=now)
    ended = [e for e in events if isinstance(e, StepEnded)]
    assert [e.detail for e in ended] == ["", "unchanged"]
