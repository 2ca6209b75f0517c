"""Signing in, with a server that gives tokens for ten seconds, and takes only those it gave."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from slipway.client import Client, ClientCredentials, ServiceError, Token, TokenFile
from slipway.client.signin import Nobody, sign_in
from slipway.errors import FetchError, UsageError
from slipway.events import Note, Reporter
from slipway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.events import Event

SECRET = "canary: ü&secret"


@dataclass
class Site:
    """`answers` are statuses to give before anything else; `seen` what was asked."""

    url: str = ""
    life: float = 3600
    given: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    answers: list[int] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    ways: tuple[str, ...] = ("client_secret_basic",)
    keys: list[str] = field(default_factory=list)


@contextmanager
def site() -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            state.seen.append(f"{self.command} {self.path}")
            state.bodies.append(body)
            state.keys.append(self.headers.get("authorization", ""))
            if state.answers and (status := state.answers.pop(0)):
                self.say(status, {"title": "no", "detail": "not now"})
            elif self.path == "/token":
                self.token(body)
            elif self.path.endswith("openid-configuration"):
                self.say(
                    200,
                    {
                        "token_endpoint": f"{state.url}/token",
                        "token_endpoint_auth_methods_supported": list(state.ways),
                    },
                )
            else:
                token = self.headers.get("authorization", "").removeprefix("Bearer ")
                known = token in state.given and token not in state.revoked
                self.say(200 if known else 401, [] if known else {"title": "Unauthorized"})

        def token(self, body: bytes) -> None:
            fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            login = self.headers.get("authorization", "").removeprefix("Basic ")
            if login:
                user, _, secret = b64decode(login).decode().partition(":")
                fields |= {"client_id": user, "client_secret": parse_qs(f"s={secret}")["s"][0]}
            if (fields.get("client_id"), fields.get("client_secret")) != ("crew", SECRET):
                self.say(401, {"error": "invalid_client", "error_description": "who?"})
                return
            state.given.append(f"t{len(state.given)}")
            self.say(200, {"access_token": state.given[-1], "expires_in": state.life})

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that are called

        def say(self, status: int, content: object) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            if status == 503:
                self.send_header("Retry-After", "3")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as state:
        yield state


@contextmanager
def client(server: Site, tmp_path: Path, login: Any, **more: Any) -> Iterator[Client]:
    settings = Settings(store=tmp_path / "s", cache=tmp_path / "c")
    with Client(server.url, sign_in=login, settings=settings, pause=lambda _: None, **more) as found:
        yield found


def credentials(server: Site, **more: Any) -> ClientCredentials:
    return ClientCredentials(f"{server.url}/token", "crew", SECRET, **more)


def test_client_credentials(server: Site, tmp_path: Path) -> None:
    with client(server, tmp_path, credentials(server)) as found:
        assert found.images.list() == []
        assert found.keys.list() == []
    assert server.given == ["t0"]
    assert server.seen == ["POST /token", "GET /v3/images", "GET /v3/public-keys"]


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
def test_discovery(server: Site, tmp_path: Path, way: str) -> None:
    server.ways = (way,)
    login = ClientCredentials(f"{server.url}/.well-known/openid-configuration", "crew", SECRET)
    with client(server, tmp_path, login) as found:
        assert found.images.list() == []
    assert (SECRET.encode() in server.bodies[1]) is False
    assert (b"client_secret" in server.bodies[1]) is (way == "client_secret_post")


def test_a_token_is_renewed_before_it_ends(server: Site, tmp_path: Path) -> None:
    now = [0.0]
    server.life = 100
    with client(server, tmp_path, credentials(server, clock=lambda: now[0])) as found:
        for now[0] in (0, 69, 71, 100):
            found.images.list()
    assert server.given == ["t0", "t1"]


def test_a_token_that_is_refused_is_renewed_once(server: Site, tmp_path: Path) -> None:
    with client(server, tmp_path, credentials(server)) as found:
        found.images.list()
        server.revoked.add("t0")
        found.images.list()
        server.revoked |= {"t1", "t2"}
        with pytest.raises(ServiceError) as caught:
            found.images.list()
    assert caught.value.status == 401
    assert "sign in" in caught.value.hint


def test_a_wrong_secret_is_told_at_once_and_not_shown(server: Site, tmp_path: Path) -> None:
    login = ClientCredentials(f"{server.url}/token", "crew", "wrong-canary")
    with client(server, tmp_path, login) as found, pytest.raises(FetchError) as caught:
        found.images.list()
    assert caught.value.details == "invalid_client: who?"
    assert "wrong-canary" not in str(caught.value.as_dict()) + repr(login)
    assert len(server.seen) == 1


def test_a_token_server_that_fails_is_not_asked_for_ever(server: Site, tmp_path: Path) -> None:
    server.answers = [503] * 50
    with client(server, tmp_path, credentials(server)) as found, pytest.raises(FetchError):
        found.images.list()
    assert 2 <= len(server.seen) <= 20


def test_a_token_file_is_read_again_when_it_changes(server: Site, tmp_path: Path) -> None:
    file = tmp_path / "token"
    server.given += ["one", "two"]
    file.write_text("one\n")
    with client(server, tmp_path, TokenFile(file)) as found:
        found.images.list()
        file.write_text("two\n")
        found.images.list()
        file.unlink()
        with pytest.raises(UsageError, match="cannot be read"):
            found.images.list()
    assert server.keys == ["Bearer one", "Bearer two"]


def test_what_is_set_up(tmp_path: Path, server: Site) -> None:
    assert isinstance(sign_in({}), Nobody)
    assert isinstance(sign_in({"SLIPWAY_TOKEN": "x"}), Token)
    assert isinstance(sign_in({"SLIPWAY_TOKEN": "x"}, str(tmp_path / "t")), TokenFile)
    with pytest.raises(UsageError, match="credentials cannot be read"):
        sign_in({"OAUTH_CONFIG_DIR": str(tmp_path)})
    for name, text in (
        ("endpoint", f"{server.url}/token\n"),
        ("client-id", "crew"),
        ("client-secret", SECRET),
    ):
        (tmp_path / name).write_text(text)
    with client(server, tmp_path, sign_in({"OAUTH_CONFIG_DIR": str(tmp_path)})) as found:
        assert found.images.list() == []
    for wrong in ("", "a b", "a\nb"):
        with pytest.raises(UsageError, match="bearer token"):
            Token(wrong)


def test_reading_is_tried_again_and_said(server: Site, tmp_path: Path) -> None:
    heard: list[Event] = []
    server.given.append("one")
    server.answers = [503, 502]
    with client(server, tmp_path, Token("one"), reporter=Reporter(heard.append)) as found:
        assert found.images.list() == []
    assert len(server.seen) == 3
    assert len([each for each in heard if isinstance(each, Note) and "trying again" in each.text]) == 2
    assert "Bearer" not in str(heard)


def test_a_post_is_not_made_twice(server: Site, tmp_path: Path) -> None:
    server.given.append("one")
    server.answers = [502]
    with client(server, tmp_path, Token("one")) as found, pytest.raises(ServiceError) as caught:
        found.keys.create("a", "b")
    assert caught.value.detail == "not now"
    assert server.seen == ["POST /v3/public-keys"]


def test_a_post_that_was_turned_away_is_made_again(server: Site, tmp_path: Path) -> None:
    server.given.append("one")
    server.answers = [429, 422]
    with client(server, tmp_path, Token("one")) as found, pytest.raises(ServiceError) as caught:
        found.keys.create("a", "b")
    assert caught.value.status == 422
    assert len(server.seen) == 2


def test_a_deletion_whose_answer_was_lost_is_done(server: Site, tmp_path: Path) -> None:
    server.given.append("one")
    server.answers = [504, 404]
    with client(server, tmp_path, Token("one")) as found:
        found.keys.delete("x")
        server.answers = [404]
        with pytest.raises(ServiceError):
            found.keys.delete("x")


@pytest.mark.parametrize("url", ["", "ftp://h", "http://u:canary@h", "http://h?x=1", "h:9000"])
def test_addresses_that_are_none(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Client(url or "nothing", settings=Settings(store=tmp_path, cache=tmp_path))
    assert "canary" not in str(caught.value)


def test_no_credentials_over_the_net_without_a_word(tmp_path: Path) -> None:
    heard: list[Event] = []
    settings = Settings(store=tmp_path, cache=tmp_path, timeout=0.2)
    with (
        Client(
            "http://192.0.2.1:1",
            sign_in=Token("one"),
            settings=settings,
            reporter=Reporter(heard.append),
            pause=lambda _: None,
        ) as found,
        pytest.raises(FetchError),
    ):
        found.images.list()
    assert [each for each in heard if isinstance(each, Note) and "without TLS" in each.text]
