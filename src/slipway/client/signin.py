"""How to sign in to a service: a token, a file with one, or client credentials (OAuth 2.0, RFC 6749, section 4.4).

Secrets come from files and variables, never from a command line, and are in no error and no `repr`.
"""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote_plus, urlencode

from slipway.errors import FetchError, UsageError
from slipway.net import Body, Client, redact
from slipway.net_errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ADMIN_CLIENT: Final = "/etc/admin-client-auth"  # where IMS mounts its client's credentials
DISCOVERY: Final = "/.well-known/openid-configuration"
_MOST: Final = 1 << 20
_LIFE: Final = 300.0  # seconds of a token whose life is not told
_EARLY: Final = 30.0  # seconds before its end that a token is used no more


class SignIn(Protocol):
    """`header` is the value of `Authorization`, empty for none; `refused` is one that was answered with 401."""

    def header(self, net: Client, refused: str = "") -> str: ...


class Nobody:
    """Without signing in."""

    def header(self, net: Client, refused: str = "") -> str:  # noqa: ARG002 - the protocol's
        return ""


class Token:
    """A bearer token that does not change."""

    def __init__(self, token: str) -> None:
        self._header = _bearer(token, "the token")

    def header(self, net: Client, refused: str = "") -> str:  # noqa: ARG002 - the protocol's
        return self._header


class TokenFile:
    """A bearer token in a file that somebody else renews: it is read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] = (0, 0, 0)
        self._header = ""

    def header(self, net: Client, refused: str = "") -> str:  # noqa: ARG002 - the protocol's
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            with self._lock:
                if seen != self._seen or (refused and refused == self._header):
                    self._header = _bearer(_small(self._path), str(self._path))
                    self._seen = seen
                return self._header
        except OSError as error:
            raise UsageError(f"the token cannot be read: {self._path}: {error.strerror}") from error


class ClientCredentials:
    """Tokens for a client's id and secret, renewed before they end.

    `url` is the token endpoint, or an issuer's `…/.well-known/openid-configuration`.
    """

    def __init__(
        self, url: str, client: str, secret: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not (url and client and secret):
            raise UsageError("client credentials are a token URL, a client id and a client secret")
        self._url = url
        self._client = client
        self._secret = secret
        self._clock = clock
        self._lock = threading.Lock()
        self._endpoint = "" if url.endswith(DISCOVERY) else url
        self._in_body = False
        self._header = ""
        self._until = 0.0

    @classmethod
    def from_directory(cls, directory: Path) -> ClientCredentials:
        """From the files `endpoint`, `client-id` and `client-secret`."""
        try:
            parts = [_small(directory / name) for name in ("endpoint", "client-id", "client-secret")]
        except OSError as error:
            raise UsageError(
                f"the client's credentials cannot be read: {error.filename}: {error.strerror}",
                hint="OAUTH_CONFIG_DIR names a directory with the files endpoint, client-id and client-secret",
            ) from error
        return cls(*parts)

    def header(self, net: Client, refused: str = "") -> str:
        """Asks for a token when there is none that will last, or the one there is was refused."""
        with self._lock:
            if not self._header or self._clock() >= self._until or refused == self._header:
                self._header, life = net.retry(lambda: self._ask(net))
                self._until = self._clock() + max(life - _EARLY, life / 2)
            return self._header

    def _ask(self, net: Client) -> tuple[str, float]:
        if not self._endpoint:
            self._discover(net)
        fields = {"grant_type": "client_credentials"}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._in_body:
            fields |= {"client_id": self._client, "client_secret": self._secret}
        else:
            login = f"{quote_plus(self._client)}:{quote_plus(self._secret)}"  # RFC 6749, section 2.3.1
            headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        body = Body.of(urlencode(fields).encode())
        with net.request("POST", self._endpoint, headers, body=body, ok=None, redirects=0) as answer:
            content = answer.read(_MOST)
            if answer.status != 200:
                raise self._refused(net.refused(answer), content)
        found = _json(content)
        token, life = found.get("access_token"), found.get("expires_in")
        if not isinstance(token, str):
            raise FetchError(f"{redact(self._endpoint)} answers without a token")
        seconds = float(life) if isinstance(life, int | float) and life > 0 else _LIFE
        return _bearer(token, "the token that was given"), seconds

    def _refused(self, error: FetchError, content: bytes) -> FetchError:
        if isinstance(error, TransientError):
            return error
        found = _json(content)
        said = [found[name] for name in ("error", "error_description") if isinstance(found.get(name), str)]
        return FetchError(
            f"no token from {redact(self._endpoint)}: it answers {error.status}",
            details=": ".join(said)[:500],
            hint="look at the client's id and secret, and whether it may use client credentials",
            status=error.status,
        )

    def _discover(self, net: Client) -> None:
        """OpenID Connect Discovery 1.0, section 4."""
        with net.get(self._url) as answer:
            found = _json(answer.read(_MOST))
        endpoint = found.get("token_endpoint")
        if not isinstance(endpoint, str) or not endpoint.startswith(("https://", "http://")):
            raise FetchError(f"{redact(self._url)} names no token endpoint")
        if self._url.startswith("https://") and not endpoint.startswith("https://"):
            raise FetchError(f"{redact(self._url)} names a token endpoint without TLS")
        ways = found.get("token_endpoint_auth_methods_supported")
        self._in_body = isinstance(ways, list) and "client_secret_basic" not in ways
        self._endpoint = endpoint


def sign_in(environ: Mapping[str, str], token_file: str = "") -> SignIn:
    """What is set up: `token_file`, SLIPWAY_TOKEN, client credentials in OAUTH_CONFIG_DIR or where IMS has them, nobody."""
    if token_file:
        return TokenFile(Path(token_file))
    if token := environ.get("SLIPWAY_TOKEN", ""):
        return Token(token)
    if directory := environ.get("OAUTH_CONFIG_DIR", ""):
        return ClientCredentials.from_directory(Path(directory))
    if Path(ADMIN_CLIENT).is_dir():
        return ClientCredentials.from_directory(Path(ADMIN_CLIENT))
    return Nobody()


def _bearer(token: str, what: str) -> str:
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{what} is not a bearer token: it is empty or has characters that none has")
    return f"Bearer {token}"


def _small(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MOST).decode("utf-8", "replace").strip()


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
