"""Requests to one repository of one registry: addresses, credentials, and errors in the registry's own words."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from slipway.errors import FetchError
from slipway.net import TransientError, redact
from slipway.registry.challenge import parse
from slipway.registry.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping

    from slipway.events import Reporter
    from slipway.net import Answer, Body, Client
    from slipway.registry.auth import Authorizer
    from slipway.registry.hosts import Endpoint
    from slipway.registry.reference import Reference
    from slipway.settings import Settings

T = TypeVar("T")

_MOST_WORDS = 1 << 16  # bytes of an error's body


class Api:
    """`scopes` are what every request needs (distribution documentation: "Token Scope Documentation")."""

    def __init__(
        self,
        client: Client,
        endpoint: Endpoint,
        authorizer: Authorizer,
        reference: Reference,
        scopes: frozenset[str],
    ) -> None:
        self.client = client
        self.reference = reference
        self._endpoint = endpoint
        self._authorizer = authorizer
        self._scopes = scopes

    @property
    def root(self) -> str:
        """The address that tells whether there is a registry, and whether it wants a login (end-1)."""
        return f"{self._endpoint.url}/v2/"

    @property
    def challenged(self) -> bool:
        """Whether the registry asked for credentials so far."""
        return self._authorizer.challenged

    def url(self, path: str) -> str:
        """The address of `path` in the repository, such as `manifests/latest`."""
        return f"{self.root}{self.reference.repository}/{path}"

    def location(self, answer: Answer, asked: str) -> str:
        """Where the answer's Location points to, which may be relative to the address that was asked."""
        place = answer.headers.get("location", "")
        schemes = ("http", "https") if self._endpoint.plain else ("https",)
        try:
            target = urljoin(asked, place)
            usable = bool(place) and _origin(target)[0] in schemes and bool(_origin(target)[1])
        except ValueError:
            usable = False
        if not usable:
            raise FetchError(
                f"{self._endpoint.host} gives no usable place for an upload",
                details=f"Location: {redact(place)}" if place else "the answer has no Location",
            )
        return target

    def retry(self, attempt: Callable[[], T]) -> T:
        return self.client.retry(attempt)

    @contextmanager
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        ok: Collection[int],
        body: Body | None = None,
        scopes: Collection[str] = (),
        patience: float = 0.0,
    ) -> Generator[Answer]:
        """One request, repeated with credentials when the registry asks for them; a status not in `ok` is an error.

        `FetchError` brings the status; 5xx, 429 and broken connections are a `TransientError`, for `retry`. `patience`
        are further seconds for the answer.
        """
        needed = self._scopes | frozenset(scopes)
        ours = _origin(url) == _origin(self._endpoint.url)
        sent = self._authorizer.header(needed) if ours else ""
        for last in (False, True):
            whole = {**(headers or {}), **({"Authorization": sent} if sent else {})}
            with self.client.request(method, url, whole, body=body, ok=None, patience=patience) as answer:
                if answer.status in ok:
                    yield answer
                    return
                error = self._refused(answer)
                challenges = parse(answer.headers.get("www-authenticate", ""))
            # only the registry itself may ask for its credentials: not a host that it redirects to
            if answer.status != 401 or last or not ours or _origin(answer.url) != _origin(url):
                raise error
            again = self._authorizer.answer(challenges, needed, sent)
            if not again:
                raise error
            sent = again

    def _refused(self, answer: Answer) -> FetchError:
        error = self.client.refused(answer)
        try:
            words = _words(answer.read(_MOST_WORDS))
        except FetchError:  # the status says enough
            words = ""
        error.details = "\n".join(t for t in (words, error.details) if t)
        if answer.status in (401, 403) and _origin(answer.url) == _origin(self._endpoint.url):
            what = "refuses the login" if self._authorizer.logged_in else "wants a login"
            if answer.status == 403:
                what = f"does not allow this in {self.reference.repository}"
            error = FetchError(
                f"{self.reference.registry} {what}",
                details="\n".join(t for t in (error.brief, error.details) if t),
                hint=f"slipway login {self.reference.registry}",
                status=answer.status,
            )
        elif not isinstance(error, TransientError):
            error.hint = ""
        return error


@contextmanager
def open_api(
    reference: Reference,
    scopes: Collection[str],
    settings: Settings,
    reporter: Reporter,
    *,
    push: bool = False,
    login: tuple[str, str] | None = None,
) -> Generator[Api]:
    """Requests to the registry of `reference`; nothing is asked before the first one.

    `login` is user and password, instead of what Docker's configuration knows.
    """
    from slipway.net import Client
    from slipway.net_trust import registry_certificates
    from slipway.registry.auth import Authorizer
    from slipway.registry.credentials import Login, find_login
    from slipway.registry.hosts import endpoint

    place = endpoint(reference.registry, settings, push=push)
    mirrored = reference.registry == HUB and settings.registry_mirror and not push
    registry = place.host if mirrored else reference.registry  # a mirror gets no login but its own

    def find() -> Login | None:
        if login is not None:
            return Login(*login)
        return find_login(registry, reference.repository, reporter)

    with Client(settings, certificates=registry_certificates(place.host), netrc=False) as client:
        yield Api(client, place, Authorizer(client, place, find), reference, frozenset(scopes))


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port (RFC 6454); `ValueError` for what is no URL."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def _words(body: bytes) -> str:
    """What the registry says, a line for each error (distribution-spec: "Error Codes")."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    errors = data.get("errors") if isinstance(data, dict) else None
    lines = [_line(e) for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    return "\n".join(line for line in lines if line)[:2000]


def _line(error: Mapping[str, Any]) -> str:
    code, message = str(error.get("code") or ""), str(error.get("message") or "")
    return ": ".join(t for t in (code, message) if t)
