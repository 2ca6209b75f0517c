"""Answers to a registry's challenges: Basic (RFC 7617), and bearer tokens of the distribution project.

Tokens: distribution documentation, "Token Authentication Specification" (GET) and "Oauth2 Token Authentication" (POST
with an identity token). Credentials go to the registry and to the realm that its challenge names, nowhere else.
"""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from slipway.errors import FetchError
from slipway.net import Body, redact
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.net import Client
    from slipway.registry.challenge import Challenge
    from slipway.registry.credentials import Login
    from slipway.registry.hosts import Endpoint

_MOST = 1 << 20  # bytes of a token endpoint's answer
_LIFE = 60.0  # seconds that a token lives when nothing is said (the specification's)
_EARLY = 5.0  # seconds before its end that a token is not used any more
_FORM = pattern(r"[\x21-\x7e]+\Z")
_CLIENT = "slipway"


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    until: float


class Authorizer:
    """The `Authorization` of all requests to one registry; for any number of threads.

    `find` looks for a login; it is called once, at the first challenge.
    """

    def __init__(
        self,
        client: Client,
        endpoint: Endpoint,
        find: Callable[[], Login | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._find = find
        self._clock = clock
        self._lock = threading.Lock()
        self._login: Login | None = None
        self._looked = False
        self._challenge: Challenge | None = None
        self._tokens: dict[frozenset[str], _Token] = {}

    def header(self, scopes: frozenset[str]) -> str:
        """What to send before anybody asks: empty until there was a challenge."""
        with self._lock:
            return self._make(scopes) if self._challenge else ""

    def answer(self, challenges: list[Challenge], scopes: frozenset[str], sent: str) -> str:
        """What to send instead of `sent`, which was refused; empty when there is nothing else to try."""
        with self._lock:
            known = self._make(scopes) if self._challenge else ""
            if known and known != sent:  # another thread was faster
                return known
            self._challenge = _best(challenges)
            self._tokens.pop(scopes, None)
            made = self._make(scopes) if self._challenge else ""
            return "" if made == sent else made

    @property
    def challenged(self) -> bool:
        return self._challenge is not None

    @property
    def logged_in(self) -> bool:
        """Whether a login was found, once there was a challenge."""
        return self._login is not None

    def _make(self, scopes: frozenset[str]) -> str:
        if not self._looked:
            self._login, self._looked = self._find(), True
        if self._challenge is None:
            return ""
        if self._challenge.scheme == "basic":
            return _basic(self._login) if self._login and self._login.user else ""
        token = self._tokens.get(scopes)
        if token is None or token.until <= self._clock():
            token = self._tokens[scopes] = self._ask(self._challenge, scopes)
        return token.header

    def _ask(self, challenge: Challenge, scopes: frozenset[str]) -> _Token:
        realm = challenge.parameters.get("realm", "")
        self._check_realm(realm)
        # the registry's own words may name what this request needs in another way than we do
        wanted = sorted(scopes | set(challenge.parameters.get("scope", "").split()))
        service = challenge.parameters.get("service", "")
        begun = self._clock()
        data = self._client.retry(lambda: self._fetch(realm, service, wanted))
        token = data.get("token") or data.get("access_token")
        if not isinstance(token, str) or not _FORM.match(token):
            raise FetchError(f"{redact(realm)} gave no token that could be used")
        life = data.get("expires_in")
        seconds = float(life) if isinstance(life, int | float) and life > 0 else _LIFE
        return _Token(f"Bearer {token}", begun + max(seconds - _EARLY, _EARLY))

    def _fetch(self, realm: str, service: str, scopes: list[str]) -> dict[str, Any]:
        login = self._login
        headers = {"Accept": "application/json"}
        fields = [("service", service)] if service else []
        if login and login.identity_token:
            fields += [("grant_type", "refresh_token"), ("client_id", _CLIENT), ("scope", " ".join(scopes))]
            form = urlencode([*fields, ("refresh_token", login.identity_token)]).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            method, url, body = "POST", realm, Body.of(form)
        else:
            fields += [("scope", scope) for scope in scopes]
            if login:
                fields += [("account", login.user)]
                headers["Authorization"] = _basic(login)
            url = f"{realm}{'&' if urlsplit(realm).query else '?'}{urlencode(fields)}"
            method, body = "GET", None
        # no redirects for a form with a secret in it
        with self._client.request(
            method, url, headers, body=body, ok=None, redirects=0 if body else 3
        ) as answer:
            if answer.status in (401, 403):
                raise FetchError(
                    f"{redact(realm)} refuses the login" if login else f"{redact(realm)} wants a login",
                    status=answer.status,
                )
            if answer.status != 200:
                raise self._client.refused(answer)
            raw = answer.read(_MOST)
        try:
            data = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise FetchError(f"{redact(realm)} gave an answer that is not JSON") from error
        return data if isinstance(data, dict) else {}

    def _check_realm(self, realm: str) -> None:
        allowed = ("http", "https") if self._endpoint.plain else ("https",)
        try:
            parts = urlsplit(realm)
            fine = parts.scheme in allowed and parts.hostname and not (parts.username or parts.fragment)
        except ValueError:
            fine = False
        if not fine:
            raise FetchError(
                f"{self._endpoint.host} wants a token from {redact(realm) or 'nowhere'}, "
                "which cannot be trusted with a login"
            )


def _best(challenges: list[Challenge]) -> Challenge | None:
    """Tokens before passwords."""
    return next((c for scheme in ("bearer", "basic") for c in challenges if c.scheme == scheme), None)


def _basic(login: Login) -> str:
    return "Basic " + b64encode(f"{login.user}:{login.password}".encode()).decode()
