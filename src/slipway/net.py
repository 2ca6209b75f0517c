"""The one HTTP client: what every request of this project has in common.

A `Client` keeps connections open, takes proxies from the settings or the environment (`https_proxy` and kin) and
certificate authorities from the environment (`SSL_CERT_FILE`, `SSL_CERT_DIR`), credentials from the URL or `~/.netrc`,
follows redirects but never from https to http, and sorts failures into those that may pass (`TransientError`, which `Client.retry`
tries again) and those that will not (`FetchError`). Bodies are the bytes the server keeps: no compression is asked for.
"""

from __future__ import annotations

import threading
import time
import weakref
from base64 import b64encode
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

from slipway import __version__
from slipway.errors import FetchError
from slipway.net_errors import (
    PATIENCE,
    TransientError,
    doing,
    explained,
    offline,
    proxy_hint,
    redact,
    refusal,
)
from slipway.net_exchange import PIECE, Answer, Body, Request
from slipway.net_proxy import proxy_for
from slipway.net_trust import Certificates, netrc_login, trust

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping
    from types import TracebackType

    import httpx2

    from slipway.settings import Settings

__all__ = [
    "CONNECTIONS",
    "PIECE",
    "Answer",
    "Body",
    "Certificates",
    "Client",
    "TransientError",
    "redact",
]

T = TypeVar("T")

_NONE = Certificates()

CONNECTIONS = 8  # per client; more gain nothing and mirrors refuse them
TRIES = 4  # in a row without a new byte
MOST_TRIES = 40  # of one piece of work, however much each try brings
REDIRECTS = 10

_CONNECT = 10.0  # seconds; a reachable server accepts faster
_NEAR = ("127.0.0.1", "localhost", "::1")  # no proxy stands between us and ourselves
_SMALL = 1 << 16  # bytes that are sooner read than a connection is opened


class Client:
    """Connections to any number of servers, for any number of threads; close it, or use it in `with`."""

    def __init__(
        self,
        settings: Settings,
        *,
        certificates: Certificates = _NONE,
        netrc: bool = True,
        pause: Callable[[float], object] | None = None,
        jitter: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`certificates` are trusted and shown besides the usual; without `netrc`, ~/.netrc is not looked at.

        `pause` waits seconds, `jitter` gives 0..1, `clock` seconds since 1970: tests pass their own.
        """
        import random

        self._stopped = threading.Event()
        self._pause = self._stopped.wait if pause is None else pause
        self._jitter = jitter or random.random
        self._clock = clock
        self._offline = settings.offline
        self._netrc = netrc
        self._timeout = settings.timeout
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._certificates = certificates
        self._proxies = settings.proxies
        self._clients: dict[str | None, httpx2.Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def abort(self) -> None:
        """Make every request of this client fail now, also those that other threads wait for."""
        self._stopped.set()
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            _shut(stream)

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, ok: Collection[int] = (200,)
    ) -> Generator[Answer]:
        """One GET, with its redirects and without retries; any status but those in `ok` is an error.

        Credentials go to the host they are for: not to another one that it redirects to.
        """
        with self.request("GET", url, headers, ok=ok) as answer:
            yield answer

    @contextmanager
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: Body | None = None,
        ok: Collection[int] | None = (200,),
        redirects: int = REDIRECTS,
        patience: float = 0.0,
    ) -> Generator[Answer]:
        """One request of any method, with at most so many `redirects` and without retries.

        Any status but those in `ok` is an error (None: no status is). What is not a GET or HEAD follows only those
        redirects that keep method and body. `patience` are seconds more than the settings' to wait for the answer.
        """
        response = self._follow(Request(method, url, dict(headers or {}), body, patience), redirects)
        try:
            if ok is not None and response.status_code not in ok:
                _drain(response)
                raise refusal(url, response, self._clock(), self._proxies)
            yield Answer(response.status_code, redact(str(response.request.url)), response.headers, response)
            _drain(response)
        finally:
            response.close()

    def refused(self, answer: Answer) -> FetchError:
        """The error for an answer that was let through, and is not what was asked for."""
        return refusal(answer.url, answer._response, self._clock(), self._proxies)  # noqa: SLF001 - one module, one idea

    def retry(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns; it is called again, after a growing wait, while it raises `TransientError`."""
        turn = fruitless = 0
        while True:
            turn += 1
            try:
                return attempt()
            except TransientError as error:
                fruitless = 0 if error.progress else fruitless + 1
                wait = 0.5 * 2.0**fruitless * (0.5 + self._jitter() / 2)
                if error.retry_after is not None:
                    wait = max(wait, error.retry_after)
                if fruitless >= TRIES or turn >= MOST_TRIES or wait > PATIENCE or self._stopped.is_set():
                    raise
            self.pause(wait)

    def pause(self, seconds: float) -> None:
        """Wait, unless or until this client is aborted."""
        self._pause(seconds)
        self._check()

    def _check(self) -> None:
        if self._stopped.is_set():
            raise FetchError("the download was given up")

    def _follow(self, request: Request, redirects: int) -> httpx2.Response:
        import httpx2

        url, shown, moved = request.url, redact(request.url), request.moved
        if self._offline:
            raise offline(doing(request.method), shown)
        headers = request.headers
        with explained(shown, request.method):
            target = httpx2.URL(url)
        for _ in range(redirects + 1):
            response = self._send(request, target, headers)
            if response.status_code not in moved or "location" not in response.headers:
                return response
            _drain(response)
            response.close()
            with explained(shown, request.method):
                following = target.join(response.headers["location"])
            allowed = ("https",) if target.scheme == "https" else ("http", "https")
            if following.scheme not in allowed:
                raise FetchError(
                    f"cannot {doing(request.method)} {shown}: refused to follow a redirect from {target.scheme} "
                    f"to {following.scheme or 'nowhere'}",
                    details=f"redirect to {redact(str(following))}",
                )
            if following.origin != target.origin:
                headers = {k: v for k, v in headers.items() if k.lower() not in ("authorization", "cookie")}
            elif target.userinfo and not following.userinfo:
                following = following.copy_with(userinfo=target.userinfo)
            target = following
        raise FetchError(f"cannot {doing(request.method)} {shown}: more than {redirects} redirects")

    def _send(self, request: Request, url: httpx2.URL, headers: dict[str, str]) -> httpx2.Response:
        self._check()
        login = (url.username, url.password) if url.userinfo else self._netrc and netrc_login(url.host)
        if login:
            coded = b64encode(":".join(login).encode()).decode()
            headers = {"Authorization": f"Basic {coded}", **headers}
        body = request.body
        with explained(redact(str(url)), request.method, self._proxies):
            client = self._client(url)
            built = client.build_request(
                request.method,
                url.copy_with(userinfo=b"", fragment=None),
                content=body.pieces() if body else None,
                headers={**headers, "Content-Length": str(body.size)} if body else headers,
                timeout=_timeout(self._timeout, request.patience),
                extensions={"trace": self._trace},
            )
            return client.send(built, stream=True, follow_redirects=False, auth=None)

    def _client(self, url: httpx2.URL) -> httpx2.Client:
        """One for each proxy, and one (None) for plain text on this machine: reading the authorities takes its time."""
        import httpx2

        near = url.scheme == "http" and url.host in _NEAR
        proxy = None if near else self._proxy(url)
        with self._lock:
            if proxy not in self._clients:
                context = False if near else trust(self._certificates)
                try:
                    self._clients[proxy] = httpx2.Client(
                        verify=context,
                        trust_env=False,
                        proxy=proxy or None,
                        timeout=_timeout(self._timeout),
                        limits=httpx2.Limits(
                            max_connections=CONNECTIONS,
                            max_keepalive_connections=CONNECTIONS,
                            keepalive_expiry=15,
                        ),
                        headers={"User-Agent": f"slipway/{__version__}", "Accept-Encoding": "identity"},
                    )
                except (ImportError, ValueError, httpx2.InvalidURL) as error:
                    raise FetchError(
                        "the proxy settings cannot be used", hint=proxy_hint(self._proxies)
                    ) from error
            return self._clients[proxy]

    def _proxy(self, url: httpx2.URL) -> str:
        return "" if url.host in _NEAR else proxy_for(url.scheme, url.host, url.port, self._proxies)

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember every connection, so that `abort` can end it (the `trace` extension of httpx2)."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            with self._lock:
                self._streams.add(stream)
            if self._stopped.is_set():
                _shut(stream)


def _timeout(seconds: float, patience: float = 0.0) -> httpx2.Timeout:
    import httpx2

    return httpx2.Timeout(seconds, connect=min(seconds, _CONNECT), read=seconds + patience, pool=None)


def _drain(response: httpx2.Response) -> None:
    """Read what little nobody wanted: only then does the connection serve the next request."""
    import httpx2

    length = response.headers.get("content-length", "")
    little = response.request.method == "HEAD" or (length.isdecimal() and int(length) <= _SMALL)
    if little and not response.is_stream_consumed:
        with suppress(httpx2.TransportError):
            for _ in response.iter_raw():
                pass


def _shut(stream: Any) -> None:
    import socket

    # the plain method: that of a TLS socket would take the session away from the thread that reads
    with suppress(OSError):
        socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)
