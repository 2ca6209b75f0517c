from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import FetchError
from slipway.events import Reporter
from slipway.oci.digest import Digest
from slipway.registry.reference import parse
from slipway.registry.session import Session, open_session
from tests.registry.faults import fault_registry, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from slipway.settings import Settings
    from tests.registry.faults import FaultRegistry

QUIET = Reporter()


@pytest.fixture
def bearer(faulty: FaultRegistry) -> FaultRegistry:
    faulty.auth = "bearer"
    faulty.add_blob("a/b", b"x")
    return faulty


@pytest.fixture
def digest(bearer: FaultRegistry) -> Digest:
    return Digest(next(iter(bearer.blobs)))


@pytest.fixture
def connect(faulty: FaultRegistry, settings: Settings) -> Callable[..., AbstractContextManager[Session]]:
    def run(**kw: Any) -> AbstractContextManager[Session]:
        return open_session(parse(f"{faulty.host}/a/b:1"), settings, QUIET, **kw)

    return run


def test_anonymous_token(bearer, connect, digest) -> None:
    with connect() as session:
        for _ in range(3):
            assert session.has_blob(digest)
    assert bearer.asked_tokens == [{"method": "GET", "service": ["here"], "scope": ["repository:a/b:pull"]}]
    sent = [headers.get("Authorization", "") for headers in bearer.asked("/blobs/")]
    assert sent == ["", "Bearer token-1", "Bearer token-1", "Bearer token-1"]
    assert "Authorization" not in bearer.asked("/token")[0]


def test_token_for_a_login(bearer, connect, digest) -> None:
    with connect(login=("crew", "s3cret"), push=True) as session:
        assert session.has_blob(digest)
    (asked,) = bearer.asked_tokens
    assert asked["account"] == ["crew"]
    # what we want and what the registry says that it wants
    assert asked["scope"] == ["repository:a/b:pull", "repository:a/b:pull,push"]
    assert bearer.asked("/token")[0]["Authorization"] == bearer.basic()
    assert all("s3cret" not in seen.path for seen in bearer.seen)


def test_wrong_password(bearer, connect, digest) -> None:
    with connect(login=("crew", "wrong")) as session, pytest.raises(FetchError, match="refuses") as caught:
        session.has_blob(digest)
    assert caught.value.status == 401
    assert "wrong" not in json.dumps(caught.value.as_dict())


def test_a_mount_needs_another_token(bearer, connect, store_blob) -> None:
    with connect(push=True) as session:
        session.has_blob(store_blob.digest)
        assert not session.mount(store_blob, "base")
        session.has_blob(store_blob.digest)
    first, second = bearer.asked_tokens
    assert "repository:base:pull" not in first["scope"]
    assert set(second["scope"]) == {"repository:a/b:pull", "repository:a/b:pull,push", "repository:base:pull"}


@pytest.fixture
def store_blob(settings: Settings) -> Any:
    from slipway.oci.store import LAYER_TYPE, Store

    return Store(settings.store).put(b"layer", LAYER_TYPE)


def test_identity_token(bearer, connect, digest, tmp_path: Path) -> None:
    bearer.identity_token = "long-lived"
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(
        json.dumps({"auths": {bearer.host: {"identitytoken": "long-lived"}}})
    )
    with connect() as session:
        assert session.has_blob(digest)
    (asked,) = bearer.asked_tokens
    assert asked == {
        "method": "POST",
        "service": ["here"],
        "grant_type": ["refresh_token"],
        "client_id": ["slipway"],
        "scope": ["repository:a/b:pull"],
        "refresh_token": ["long-lived"],
    }


def test_an_identity_token_follows_no_redirect(bearer, connect, digest, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(
        json.dumps({"auths": {bearer.host: {"identitytoken": "long-lived"}}})
    )
    with fault_registry() as other:
        bearer.fault("POST", "/token", status(307, Location=other.url("/token")))
        with connect() as session, pytest.raises(FetchError):
            session.has_blob(digest)
        assert other.seen == []


def test_a_token_that_is_refused_is_replaced_once(bearer, connect, digest) -> None:
    with connect() as session:
        assert session.has_blob(digest)
        bearer.tokens.clear()
        assert session.has_blob(digest)
        assert len(bearer.asked_tokens) == 2
        bearer.tokens = Never()
        with pytest.raises(FetchError, match="wants a login"):
            session.has_blob(digest)
    assert len(bearer.asked_tokens) == 3


class Never(set[str]):
    def __contains__(self, item: object) -> bool:
        return False


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [({"expires_in": 1}, 3), ({"expires_in": 300}, 1), ({}, 1), ({"expires_in": "x"}, 1)],
)
def test_tokens_end(bearer, digest, settings, fields, tokens) -> None:
    from slipway.net import Client
    from slipway.registry.auth import Authorizer
    from slipway.registry.challenge import Challenge
    from slipway.registry.hosts import Endpoint

    bearer.token_fields = fields
    now = [1000.0]
    with Client(settings) as client:
        authorizer = Authorizer(client, Endpoint(bearer.host, plain=True), lambda: None, clock=lambda: now[0])
        scopes = frozenset(["repository:a/b:pull"])
        assert authorizer.header(scopes) == ""
        authorizer.answer([Challenge("bearer", {"realm": bearer.url("/token")})], scopes, "")
        for _ in range(2):
            now[0] += 10
            assert authorizer.header(scopes).startswith("Bearer ")
    assert len(bearer.asked_tokens) == tokens


def test_the_other_name_of_a_token(bearer, connect, digest) -> None:
    def answer(handler, serve):
        bearer.tokens.add("other")
        handler.reply(200, json.dumps({"access_token": "other"}).encode())

    bearer.fault("GET", "/token", answer)
    with connect() as session:
        assert session.has_blob(digest)


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"{}", b'{"token": 1}', b'{"token": "a\\r\\nX: y"}', b'{"token": ""}', b"x" * (2 << 20)],
)
def test_no_token(bearer, connect, digest, answer) -> None:
    bearer.fault("GET", "/token", lambda handler, serve: handler.reply(200, answer))
    with connect() as session, pytest.raises(FetchError, match="token"):
        session.has_blob(digest)


def test_the_token_server_is_tried_again(bearer, connect, digest, naps) -> None:
    bearer.fault("GET", "/token", status(503), status(429, Retry_After="9"))
    with connect() as session:
        assert session.has_blob(digest)
    assert len(naps) == 2
    assert naps[1] == 9


@pytest.mark.parametrize(
    "realm", ["ftp://x.example/", "/token", "http://me:pw@x.example/", "http://[::1/", "nothing"]
)
def test_realms_that_are_none(bearer, connect, digest, realm) -> None:
    bearer.realm = realm
    with connect(login=("crew", "s3cret")) as session, pytest.raises(FetchError, match="trusted"):
        session.has_blob(digest)


def test_a_plain_realm_of_a_registry_with_tls(settings) -> None:
    from slipway.net import Client
    from slipway.registry.auth import Authorizer
    from slipway.registry.challenge import Challenge
    from slipway.registry.credentials import Login
    from slipway.registry.hosts import Endpoint

    with Client(settings) as client:
        authorizer = Authorizer(client, Endpoint("r.example"), lambda: Login("crew", "s3cret"))
        with pytest.raises(FetchError, match="trusted"):
            authorizer.answer([Challenge("bearer", {"realm": "http://auth.example/token"})], frozenset(), "")


def test_credentials_do_not_follow_a_redirect_of_the_realm(bearer, connect, digest) -> None:
    with fault_registry() as other:
        other.auth = "bearer"
        bearer.realm = bearer.url("/elsewhere")
        bearer.fault("GET", "/elsewhere", status(302, Location=other.url("/token")))
        with connect(login=("crew", "s3cret")) as session, pytest.raises(FetchError):
            session.has_blob(digest)
        assert other.asked("/token")
        assert all("Authorization" not in headers for headers in other.asked("/token"))


def test_tokens_are_better_than_passwords(bearer, connect, digest) -> None:
    words = f'Basic realm="x", Bearer realm="{bearer.url("/token")}"'
    bearer.fault("HEAD", "/blobs/", status(401, WWW_Authenticate=words))
    with connect(login=("crew", "s3cret")) as session:
        assert session.has_blob(digest)
    assert len(bearer.asked_tokens) == 1


def test_basic(faulty, connect) -> None:
    faulty.auth = "basic"
    digest = Digest(faulty.add_blob("a/b", b"x"))
    with connect(login=("crew", "s3cret")) as session:
        assert session.has_blob(digest)
        assert session.has_blob(digest)
    assert [h.get("Authorization", "") for h in faulty.asked("/blobs/")] == [
        "",
        faulty.basic(),
        faulty.basic(),
    ]
    with connect(login=("crew", "wrong")) as session, pytest.raises(FetchError, match="refuses the login"):
        session.has_blob(digest)
    with connect() as session, pytest.raises(FetchError, match="wants a login") as caught:
        session.manifest("1")
    assert "UNAUTHORIZED: authentication required" in caught.value.details
    assert caught.value.hint == f"slipway login {faulty.host}"


def test_a_login_for_another_registry_is_not_sent(faulty, connect, tmp_path: Path) -> None:
    faulty.auth = "basic"
    auth = b64encode(b"crew:s3cret").decode()
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {"other.example": {"auth": auth}}}))
    with connect() as session, pytest.raises(FetchError, match="wants a login"):
        session.head("1")
    assert all("Authorization" not in seen.headers for seen in faulty.seen)


def test_netrc_is_not_for_registries(faulty, connect, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with connect() as session:
        assert session.head("1") is None
    assert all("Authorization" not in seen.headers for seen in faulty.seen)


def test_a_mirror_gets_no_login_of_docker_hub(faulty, settings, tmp_path: Path) -> None:
    faulty.auth = "basic"
    auth = b64encode(b"crew:s3cret").decode()
    (tmp_path / "docker").mkdir()
    config = tmp_path / "docker/config.json"
    config.write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": auth}}}))
    settings = settings.with_(registry_mirror=f"http://{faulty.host}")
    with open_session(parse("python"), settings, QUIET) as session, pytest.raises(FetchError):
        session.head("latest")
    assert all("Authorization" not in seen.headers for seen in faulty.seen)
    config.write_text(json.dumps({"auths": {faulty.host: {"auth": auth}}}))
    with open_session(parse("python"), settings, QUIET) as session:
        assert session.head("latest") is None
    assert faulty.asked("/v2/library/python/manifests/latest")
