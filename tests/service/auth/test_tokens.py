from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from slipway.errors import UsageError
from slipway.net import Client
from slipway.service.auth.keys import Keys, NoKeysError, check_issuer
from slipway.service.auth.tokens import TokenError, Tokens
from slipway.settings import load
from tests.service.auth.issuer import AUDIENCE, Issuer, issuing, key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.model import Actor


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(issuer: Issuer, clock: Clock) -> Iterator[Tokens]:
    with Client(load({"HOME": "/nonexistent"}), netrc=False) as client:
        yield Tokens(Keys(issuer.url, client, clock), issuer.url, AUDIENCE, "roles")


def actors(tokens: Tokens, *given: str) -> list[Actor]:
    async def all_() -> list[Actor]:
        return [await tokens.actor(token) for token in given]

    return asyncio.run(all_())


def refused(tokens: Tokens, token: str) -> str:
    with pytest.raises(TokenError) as caught:
        actors(tokens, token)
    return caught.value.brief


@pytest.mark.parametrize(
    ("kind", "alg"),
    [("RSA", "RS256"), ("RSA", "PS256"), ("EC", "ES256"), ("OKP", "EdDSA"), ("OKP", "Ed25519")],
)
def test_signatures_that_are_accepted(tokens: Tokens, issuer: Issuer, kind: str, alg: str) -> None:
    issuer.keys.append(key(f"a {kind}", kind))
    [actor] = actors(tokens, issuer.token(alg=alg, kid=f"a {kind}"))
    assert (actor.name, actor.roles) == ("crew", frozenset({("*", "builder")}))


def coded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_signatures_that_are_not(tokens: Tokens, issuer: Issuer) -> None:
    claims = issuer.token().split(".")[1]
    none = f"{coded({'alg': 'none'})}.{claims}."
    public = json.dumps(key("k1").as_dict(private=False)).encode()
    shared = jwt.encode(
        {"alg": "HS256", "kid": "k1"}, {"sub": "x"}, OctKey.import_key(public), algorithms=["HS256"]
    )
    for token in (none, shared):
        assert refused(tokens, token) == "tokens signed in that way are not accepted"
    assert refused(tokens, issuer.token(signer=key("other"))) == "the signature of the token is wrong"
    head, _, signature = issuer.token().split(".")
    changed = f"{head}.{coded({'sub': 'root', 'iss': issuer.url, 'aud': AUDIENCE, 'exp': 9e9})}.{signature}"
    assert refused(tokens, changed) == "the signature of the token is wrong"
    refused(tokens, f"{head}.{claims}.")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "....",
        "e30.e30.e30",
        "bnVsbA.e30.e30",
        "é.é.é",
        coded({"alg": "RS256", "kid": 3}) + ".e30.e30",
    ],
)
def test_what_is_no_token(tokens: Tokens, token: str) -> None:
    refused(tokens, token)


def test_a_huge_token_is_not_even_read(tokens: Tokens, issuer: Issuer) -> None:
    assert refused(tokens, issuer.token(padding="x" * 20_000)) == "the token is too long"
    assert actors(tokens, issuer.token(padding="x" * 8_000))[0].name == "crew"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": "https://evil.example.org"}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"sub": None}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"nbf": int(time.time()) + 86400}, "nbf"),
        ({"exp": "soon"}, "exp"),
    ],
)
def test_claims_that_are_not_good(tokens: Tokens, issuer: Issuer, changes: dict[str, Any], said: str) -> None:
    assert said in refused(tokens, issuer.token(**changes))


def test_claims_that_are(tokens: Tokens, issuer: Issuer) -> None:
    now = int(time.time())
    good: list[dict[str, Any]] = [{"exp": now - 5}, {"nbf": now + 5}, {"aud": ["x", AUDIENCE]}]
    assert len(actors(tokens, *(issuer.token(**each) for each in good))) == 3


def test_a_token_that_was_good_ends(issuer: Issuer) -> None:
    now = [time.time()]
    with Client(load({"HOME": "/nonexistent"}), netrc=False) as client:
        tokens = Tokens(Keys(issuer.url, client), issuer.url, AUDIENCE, "roles", lambda: now[0])
        token = issuer.token()
        actors(tokens, token)
        now[0] += 700
        assert refused(tokens, token) == "the token has expired"


def test_new_keys_are_found_but_not_at_any_price(tokens: Tokens, issuer: Issuer, clock: Clock) -> None:
    actors(tokens, issuer.token())
    issuer.keys = [key("k2")]
    assert refused(tokens, issuer.token(kid="k2"))  # just asked
    clock.now += 31
    actors(tokens, issuer.token(kid="k2"))
    assert issuer.asked == 2
    for number in range(20):
        refused(tokens, issuer.token(signer=key("k1"), kid=f"k{number + 100}"))
    assert issuer.asked == 2


def test_a_withdrawn_key_takes_its_tokens_along(tokens: Tokens, issuer: Issuer, clock: Clock) -> None:
    token = issuer.token()
    actors(tokens, token)
    issuer.keys = [key("k2")]
    clock.now += 601

    async def later() -> None:
        await tokens.actor(token)  # asks beside the work
        beside = tokens._keys._beside
        assert beside is not None
        await beside
        await tokens.actor(token)

    with pytest.raises(TokenError):
        asyncio.run(later())


def test_the_issuer_is_away(tokens: Tokens, issuer: Issuer, clock: Clock) -> None:
    issuer.away = True
    with pytest.raises(NoKeysError):
        actors(tokens, issuer.token())
    issuer.away = False
    with pytest.raises(NoKeysError):  # not asked again at once
        actors(tokens, issuer.token())
    clock.now += 31
    actors(tokens, issuer.token())
    issuer.away = True
    clock.now += 3600
    assert actors(tokens, issuer.token(sub="other"))[0].name == "other"


def test_documents_that_are_not_believed(tokens: Tokens, issuer: Issuer) -> None:
    issuer.claimed = "https://other.example.org"
    with pytest.raises(NoKeysError):
        actors(tokens, issuer.token())


def test_keys_that_are_not_understood_do_no_harm(tokens: Tokens, issuer: Issuer) -> None:
    issuer.extra = [
        {"kty": "AKP", "kid": "pq"},
        {"kty": "EC", "crv": "P-999", "kid": "x"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "s"},
    ]
    assert actors(tokens, issuer.token())[0].name == "crew"


@pytest.mark.parametrize("issuer_", ["http://sso.example.org", "sso", "", "ftp://x", "https://"])
def test_issuers_that_cannot_be_trusted(issuer_: str) -> None:
    with pytest.raises(UsageError):
        check_issuer(issuer_)


def test_issuers_that_can() -> None:
    check_issuer("https://sso.example.org/realms/x")
    check_issuer("http://127.0.0.1:4444")
