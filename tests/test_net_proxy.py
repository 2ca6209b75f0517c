from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, VerifyError, Where
from slipway.events import Reporter
from slipway.inputs.bring import bring
from slipway.inputs.kept import path_of
from slipway.inputs.memory import Wanted
from slipway.net import Client
from slipway.net_proxy import effective, proxy_for, variables
from slipway.settings import Settings
from tests.inputs.conftest import _plain_network, server, settings
from tests.inputs.server import Server, redirect, status

if TYPE_CHECKING:
    from slipway.events import Event

__all__ = ["_plain_network", "server", "settings"]

RECIPE = (("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "b:2"))


def fetch(url: str, settings: Settings, *, refresh: bool = False, sha256: str = "") -> bytes:
    wanted = Wanted(url, sha256, Where("r.yaml", 7, 5))
    (found,) = bring([wanted], settings, Reporter(), refresh=refresh, now=1000)
    return path_of(found.sha256, settings).read_bytes()


@pytest.mark.parametrize(
    ("scheme", "host", "no_proxy", "found"),
    [
        ("http", "x.org", "", "http://a:1"),
        ("https", "x.org", "", "http://b:2"),
        ("http", "x.org", "x.org", ""),
        ("http", "www.x.org", "x.org", ""),
        ("http", "www.x.org", ".x.org", ""),
        ("http", "www.x.org", "*.x.org", ""),
        ("http", "wwwx.org", "x.org", "http://a:1"),
        ("http", "x.org", "y.org, X.ORG", ""),
        ("http", "x.org", "x.org:80", ""),
        ("http", "x.org", "x.org:81", "http://a:1"),
        ("http", "10.1.2.3", "10.0.0.0/8", ""),
        ("http", "11.1.2.3", "10.0.0.0/8", "http://a:1"),
        ("http", "x.org", "10.0.0.0/8", "http://a:1"),
        ("http", "2001:db8::1", "2001:db8::/32", ""),
        ("http", "2001:db8::1", "2001:db8::1", ""),
        ("http", "2001:db8::1", "[2001:db8::1]", ""),
        ("http", "2001:db8::1", "[2001:db8::1]:80", ""),
        ("http", "2001:db8::1", "[2001:db8::1]:81", "http://a:1"),
        ("https", "anything", "*", ""),
    ],
)
def test_which_proxy(scheme: str, host: str, no_proxy: str, found: str) -> None:
    assert proxy_for(scheme, host, 80, (*RECIPE, ("NO_PROXY", no_proxy))) == found


def test_recipe_over_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://capital:1")
    monkeypatch.setenv("https_proxy", "http://small:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://capital:1")
    assert effective() == {"http_proxy": "http://capital:1", "https_proxy": "http://small:1"}
    assert effective((("HTTPS_PROXY", "r:1"), ("HTTP_PROXY", ""))) == {"https_proxy": "r:1"}
    assert variables((("NO_PROXY", "x"),)) == {"NO_PROXY": "x", "no_proxy": "x"}


def test_a_recipes_proxy_is_used_for_its_fetches(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "pause", lambda *_: None)
    proxied = settings.with_(proxies=(("HTTP_PROXY", server.url("")), ("NO_PROXY", "direct.invalid")))
    server.add("http://files.invalid/x", b"by proxy")
    assert fetch("http://files.invalid/x", proxied) == b"by proxy"
    assert len(server.asked("http://files.invalid/x")) == 1
    server.add("/near", b"near")
    assert fetch(server.url("/near"), proxied) == b"near"  # this machine itself needs none
    with pytest.raises(FetchError, match="cannot download"):
        fetch("http://direct.invalid/x", proxied.with_(timeout=0.5))
    assert not any("direct" in path for path, _ in server.requests)
    assert "_proxy" not in " ".join(os.environ).lower()


def test_a_proxys_login_goes_to_the_proxy_alone(server: Server, settings: Settings) -> None:
    address = server.url("").replace("://", "://me:hunter2@")
    proxied = settings.with_(proxies=(("HTTP_PROXY", address),))
    server.add("http://files.invalid/x", b"x")
    fetch("http://files.invalid/x", proxied)
    (sent,) = server.asked("http://files.invalid/x")
    assert "Proxy-Authorization" in sent
    assert "Authorization" not in sent
    assert "hunter2" not in repr(proxied)


@pytest.mark.parametrize("proxy", ["http://me:hunter2@127.0.0.1:1", "me:hunter2@127.0.0.1:1"])
def test_a_proxy_that_is_not_there(settings: Settings, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setattr(Client, "pause", lambda *_: None)
    with pytest.raises(FetchError) as caught:
        fetch("http://files.invalid/x", settings.with_(proxies=(("HTTP_PROXY", proxy),)))
    assert "proxy in use: http_proxy=" in caught.value.hint
    assert "127.0.0.1:1" in caught.value.hint
    assert "hunter2" not in repr(caught.value.as_dict())


# -- logins in URLs ------------------------------------------------------------------------------------------


def test_a_login_in_the_url(server: Server, settings: Settings) -> None:
    server.add("/x", b"x")
    assert fetch(server.url("/x").replace("://", "://me:p%40ss@"), settings) == b"x"
    (sent,) = server.asked("/x")
    assert sent["Authorization"] == "Basic bWU6cEBzcw=="  # me:p@ss


def test_a_login_stays_on_its_host(server: Server, settings: Settings) -> None:
    other = Server()
    try:
        other.add("/there", b"there")
        server.add("/a", faults=[redirect(server.url("/b"))])
        server.add("/b", faults=[redirect("/c")])
        server.add("/c", faults=[redirect(other.url("/there"))])
        assert fetch(server.url("/a").replace("://", "://me:hunter2@"), settings) == b"there"
        assert [h.get("Authorization") for _, h in server.requests] == ["Basic bWU6aHVudGVyMg=="] * 3
        assert "Authorization" not in other.asked("/there")[0]
    finally:
        other.stop()


def test_passwords_are_kept_nowhere(server: Server, settings: Settings) -> None:
    server.add("/x", b"x", faults=[status(401)])
    url = server.url("/x?token=canary-token").replace("://", "://me:canary-pass@")
    server.add("/x?token=canary-token", b"x", faults=[status(401)])
    with pytest.raises(FetchError) as caught:
        fetch(url, settings)
    assert str(caught.value.where) == "r.yaml:7:5"
    with pytest.raises(VerifyError) as wrong:
        fetch(url, settings, sha256="0" * 64)
    events: list[Event] = []
    found = bring([Wanted(url)], settings, Reporter(events.append), now=1000)
    shown = repr((caught.value.as_dict(), wrong.value.as_dict(), events, found))
    kept = [p.name.encode() + (p.read_bytes() if p.is_file() else b"") for p in settings.cache.rglob("*")]
    for secret in ("canary-pass", "canary-token"):
        assert secret not in shown
        assert not any(secret.encode() in one for one in kept)


def test_another_password_is_the_same_source_another_user_is_not(server: Server, settings: Settings) -> None:
    """What is kept cannot be used to guess a password: it does not depend on it."""
    server.add("/x", b"x")
    for login in ("me:one@", "me:two@", "you:one@", ""):
        fetch(server.url("/x").replace("://", f"://{login}"), settings)
    assert len(server.requests) == 3


def test_parameters_that_only_look_like_secrets_make_other_sources(
    server: Server, settings: Settings
) -> None:
    for author in ("a", "b"):
        server.add(f"/x?author={author}", author.encode())
        assert fetch(server.url(f"/x?author={author}"), settings) == author.encode()


def test_ipv6(settings: Settings) -> None:
    import socket
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Six(HTTPServer):
        address_family = socket.AF_INET6

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers.get("Authorization", "").encode())

        def log_message(self, *args: object) -> None:
            pass

    try:
        made = Six(("::1", 0), Hello)
    except OSError:
        pytest.skip("no IPv6 here")
    thread = Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    try:
        assert fetch(f"http://me:pw@[::1]:{made.server_port}/x", settings) == b"Basic bWU6cHc="
    finally:
        made.shutdown()
        thread.join()
        made.server_close()
