"""One service and whom we are there: JSON calls that are signed in, tried again where that is safe, and never silent about it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from slipway.client.errors import BusyError, ServiceError, refused
from slipway.client.signin import Nobody
from slipway.errors import FetchError, UsageError
from slipway.net import Body, Certificates, Client, redact
from slipway.net_errors import TransientError, proxy_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from slipway.client.signin import SignIn
    from slipway.events import Reporter
    from slipway.net import Answer
    from slipway.settings import Settings

T = TypeVar("T")

MOST: Final = 256 << 20  # bytes of an answer: a list of some 500,000 records
_AGAIN: Final = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Session:
    """For any number of threads. `url` is where the service's paths begin: `http://HOST:9000`, `https://HOST/apis/ims`."""

    def __init__(
        self,
        url: str,
        settings: Settings,
        reporter: Reporter,
        *,
        sign_in: SignIn | None = None,
        ca: Path | None = None,
        agent: str = "",
        pause: Callable[[float], object] | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise UsageError(
                f"{redact(url)!r} is not the address of a service", hint="such as http://127.0.0.1:9000"
            )
        if parts.username or parts.password:
            raise UsageError(
                "a service's address holds no password", hint="sign in with a token or client credentials"
            )
        self.url = url.rstrip("/")
        self.reporter = reporter
        self._sign_in = sign_in or Nobody()
        self._agent = {"User-Agent": agent} if agent else {}
        self._plain = parts.scheme == "http" and parts.hostname not in _LOOPBACK
        self._lock = threading.Lock()
        trusted = Certificates((str(ca),) if ca else ())
        self.net = Client(settings, certificates=trusted, netrc=False, pause=pause)

    def close(self) -> None:
        self.net.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return self.call("GET", path, query=query)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> Any:
        """The JSON that is answered, None for an empty answer; `ServiceError` when the service refuses. See `send`."""
        content = None if body is None else Body.of(json.dumps(body).encode())
        sent = {"Accept": "application/json, application/problem+json", **(headers or {})}
        if content is not None:
            sent["Content-Type"] = "application/json"
        _, answered = self.send(method, path, content, query=query, headers=sent, again=again)
        if not answered.strip():
            return None
        try:
            return json.loads(answered)
        except (ValueError, RecursionError) as error:
            raise ServiceError(
                f"{method} {self._shown(path)}: the answer is not JSON",
                status=200,
                hint="is this the address of the service?",
            ) from error

    def send(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool = False,
        most: int = MOST,
    ) -> tuple[Mapping[str, str], bytes]:
        """Headers and body of the answer to a request that succeeded, after as many tries as it may take.

        POST is tried again only when it carries an `Idempotency-Key`, when `again` says that it may be, or when the service
        cannot have seen it. A deletion that was tried before may find nothing left: then it is done. `most` are the bytes that
        the answer may have.
        """
        url = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        again = again or method in _AGAIN or "Idempotency-Key" in (headers or {})
        tried = False

        def attempt() -> tuple[Mapping[str, str], bytes]:
            nonlocal tried
            try:
                return self._once(method, url, body, dict(headers or {}), most)
            except TransientError as error:
                if not again and not _unseen(error):
                    raise _ambiguous(error) from error
                tried = True
                raise
            except ServiceError as error:
                if tried and method == "DELETE" and error.status == 404:
                    return {}, b""
                raise

        return self.patiently(attempt)

    def stream(self, path: str) -> Iterator[bytes]:
        """The body of what a GET answers, in pieces; `TransientError` when it is cut."""
        url, login = f"{self.url}{path}", self._sign_in.header(self.net)
        self._warn_once(login)
        headers = {**self._agent, **({"Authorization": login} if login else {})}
        with self.net.request("GET", url, headers, ok=None) as answer:
            if answer.status != 200:
                raise refused(f"GET {answer.url}", answer.status, answer.read(MOST))
            yield from answer.chunks()

    def patiently(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, tried again as `net.Client.retry` does it, and said each time."""
        failed: TransientError | None = None

        def heard() -> T:
            nonlocal failed
            if failed is not None:
                self.reporter.warn(f"{failed.brief}; trying again")
            try:
                return attempt()
            except TransientError as error:
                failed = error
                raise

        try:
            return self.net.retry(heard)
        except TransientError as error:
            raise _final(error) from error

    def _once(
        self, method: str, url: str, body: Body | None, headers: dict[str, str], most: int
    ) -> tuple[Mapping[str, str], bytes]:
        login = self._sign_in.header(self.net)
        self._warn_once(login)
        for last in (False, True):
            signed = {**self._agent, **headers, **({"Authorization": login} if login else {})}
            with self.net.request(method, url, signed, body=body, ok=None) as answer:
                content = answer.read(most if answer.status < 300 else max(most, MOST))
                if answer.status < 300:
                    return answer.headers, content
                if answer.status != 401 or last or not login:
                    raise self._refusal(method, answer, content)
            renewed = self._sign_in.header(self.net, login)
            if renewed == login:
                raise refused(f"{method} {redact(url)}", 401, content)
            login = renewed
        raise refused(f"{method} {redact(url)}", 401, b"")

    def _refusal(self, method: str, answer: Answer, content: bytes) -> ServiceError | BusyError:
        error = refused(f"{method} {answer.url}", answer.status, content)
        kind = self.net.refused(answer)
        return BusyError(error, kind.retry_after) if isinstance(kind, TransientError) else error

    def _warn_once(self, login: str) -> None:
        with self._lock:
            warn, self._plain = self._plain and bool(login), self._plain and not login
        if warn:
            self.reporter.warn(f"the token goes to {self.url} without TLS: whoever is on the way can read it")

    def _shown(self, path: str) -> str:
        return redact(self.url + path)


def segment(identity: str) -> str:
    """An id as a part of a path; nothing in it leads elsewhere."""
    if identity in ("", ".", ".."):
        raise UsageError(f"{identity!r} is not an id")
    return quote(identity, safe="")


def _unseen(error: TransientError) -> bool:
    """Whether the service never got the request, or says that it did nothing with it."""
    return error.status == 429 or _unconnected(error)


def _unconnected(error: TransientError) -> bool:
    import httpx2

    return isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)


def _ambiguous(error: TransientError) -> FetchError:
    """For a request that must not be made twice: an error that nothing tries again."""
    if isinstance(error, BusyError):
        return error.refused
    return FetchError(
        error.brief,
        details=error.details,
        hint="it may have been done all the same: look before you try again",
    )


def _final(error: TransientError) -> FetchError:
    """The error after the last try: nobody tries again what was tried here."""
    if isinstance(error, BusyError):
        return error.refused
    hint = f"does a service run there? {proxy_hint()}" if _unconnected(error) else error.hint
    return FetchError(error.brief, details=error.details, hint=hint, status=error.status)
