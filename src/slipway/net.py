"""The one HTTP client: what every download in this project has in common.

A `Client` keeps connections open, takes proxies and certificate authorities from the environment
(`https_proxy` and kin, `SSL_CERT_FILE`, `SSL_CERT_DIR`) and credentials from the URL or `~/.netrc`, follows redirects
but never from https to http, and sorts failures into those that may pass (`TransientError`, which `Client.retry`
tries again) and those that will not (`FetchError`). Bodies are the bytes the server keeps: no compression is asked for.
"""

from __future__ import annotations

import functools
import os
import threading
import time
import weakref
from base64 import b64encode
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from slipway import __version__
from slipway.errors import FetchError
from slipway.net_errors import PATIENCE, TransientError, explained, proxy_hint, redact, refusal

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping
    from types import TracebackType

    import httpx2

    from slipway.settings import Settings

__all__ = ["CONNECTIONS", "PIECE", "Answer", "Client", "TransientError", "redact"]

T = TypeVar("T")

CONNECTIONS = 8  # per client; more gain nothing and mirrors refuse them
PIECE = 1 << 18  # bytes handed on at once: TLS gives 16 KiB pieces, too small to hash and write one by one
TRIES = 4  # in a row without a new byte
MOST_TRIES = 40  # of one piece of work, however much each try brings
REDIRECTS = 10

_CONNECT = 10.0  # seconds; a reachable server accepts faster
_MOVED = frozenset({301, 302, 303, 307, 308})
# codings of which a file's own name may speak; then they are the file, not a wrapping of it
_CODED_NAMES = {
    "gzip": (".gz", ".tgz", ".svgz"),
    "x-gzip": (".gz", ".tgz"),
    "br": (".br",),
    "zstd": (".zst",),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body has not been read. `url` is where it came from in the end, `headers` ignores case."""

    status: int
    url: str
    headers: Mapping[str, str]
    _response: httpx2.Response

    @property
    def coded(self) -> bool:
        """Whether the server wrapped the body in a Content-Encoding, unasked.

        It is not, for us, when the name in the URL says that the file itself is compressed: servers label
        `x.tar.gz` that way.
        """
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        named = self._response.request.url.path.lower().endswith(_CODED_NAMES.get(coding, ()))
        return coding not in ("", "identity") and not named

    def chunks(self, *, decode: bool = False) -> Iterator[bytes]:
        """The body in pieces of at least `PIECE` bytes (the last may be smaller); `TransientError` when it is cut.

        With `decode`, the wrapping that `coded` speaks of is taken off.
        """
        stream = self._response.iter_bytes() if decode and self.coded else self._response.iter_raw()
        parts: list[bytes] = []
        size = 0
        try:
            with explained(self.url):
                for part in stream:
                    parts.append(part)
                    size += len(part)
                    if size >= PIECE:
                        yield b"".join(parts)
                        parts.clear()
                        size = 0
        except TransientError:
            if parts:
                yield b"".join(parts)  # what came before the cut need not come again
            raise
        if parts:
            yield b"".join(parts)


class Client:
    """Connections to any number of servers, for any number of threads; close it, or use it in `with`."""

    def __init__(
        self,
        settings: Settings,
        *,
        pause: Callable[[float], object] | None = None,
        jitter: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`pause` waits seconds, `jitter` gives 0..1, `clock` seconds since 1970: tests pass their own."""
        import random

        import httpx2

        self._stopped = threading.Event()
        self._pause = self._stopped.wait if pause is None else pause
        self._jitter = jitter or random.random
        self._clock = clock
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        try:
            context = _trust(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))
        except OSError as error:
            raise FetchError(
                f"the certificate authorities cannot be read: {error}",
                hint="check SSL_CERT_FILE and SSL_CERT_DIR",
            ) from error
        try:
            self._http = httpx2.Client(
                verify=context,
                timeout=httpx2.Timeout(settings.timeout, connect=min(settings.timeout, _CONNECT), pool=None),
                limits=httpx2.Limits(
                    max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=15
                ),
                headers={"User-Agent": f"slipway/{__version__}", "Accept-Encoding": "identity"},
            )
        except (ImportError, ValueError, httpx2.InvalidURL) as error:
            raise FetchError("the proxy settings cannot be used", hint=proxy_hint()) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

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
        response = self._follow(url, dict(headers or {}))
        try:
            if response.status_code not in ok:
                raise refusal(url, response, self._clock())
            yield Answer(response.status_code, redact(str(response.request.url)), response.headers, response)
        finally:
            response.close()

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

    def _follow(self, url: str, headers: dict[str, str]) -> httpx2.Response:
        import httpx2

        with explained(redact(url)):
            target = httpx2.URL(url)
        for _ in range(REDIRECTS + 1):
            response = self._send(target, headers)
            if response.status_code not in _MOVED or "location" not in response.headers:
                return response
            response.close()
            with explained(redact(url)):
                following = target.join(response.headers["location"])
            allowed = ("https",) if target.scheme == "https" else ("http", "https")
            if following.scheme not in allowed:
                raise FetchError(
                    f"cannot download {redact(url)}: refused to follow a redirect from {target.scheme} "
                    f"to {following.scheme or 'nowhere'}",
                    details=f"redirect to {redact(str(following))}",
                )
            if following.origin != target.origin:
                headers = {k: v for k, v in headers.items() if k.lower() not in ("authorization", "cookie")}
            target = following
        raise FetchError(f"cannot download {redact(url)}: more than {REDIRECTS} redirects")

    def _send(self, url: httpx2.URL, headers: dict[str, str]) -> httpx2.Response:
        self._check()
        login = (url.username, url.password) if url.userinfo else _netrc(url.host)
        if login:
            coded = b64encode(":".join(login).encode()).decode()
            headers = {"Authorization": f"Basic {coded}", **headers}
        with explained(redact(str(url))):
            request = self._http.build_request(
                "GET",
                url.copy_with(userinfo=b"", fragment=None),
                headers=headers,
                extensions={"trace": self._trace},
            )
            return self._http.send(request, stream=True, follow_redirects=False, auth=None)

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember every connection, so that `abort` can end it (the `trace` extension of httpx2)."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            with self._lock:
                self._streams.add(stream)
            if self._stopped.is_set():
                _shut(stream)


@functools.cache
def _trust(file: str, directory: str) -> ssl.SSLContext:
    """The certificate authorities in `file` and `directory`, or those of the machine when both are empty."""
    import ssl

    import httpx2

    if file or directory:
        return ssl.create_default_context(cafile=file or None, capath=directory or None)
    return httpx2.create_ssl_context(trust_env=False)


def _netrc(host: str) -> tuple[str, str] | None:
    """User and password for exactly this host; a `default` entry is for no download of ours."""
    import netrc

    path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")  # noqa: PTH111 - never fails without a home
    try:
        login = netrc.netrc(path).hosts.get(host)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, netrc.NetrcParseError) as error:
        raise FetchError(
            f"{path} cannot be read: {error}", hint="correct it, or name another file in NETRC"
        ) from error
    return (login[0], login[2] or "") if login else None


def _shut(stream: Any) -> None:
    import socket

    # the plain method: that of a TLS socket would take the session away from the thread that reads
    with suppress(OSError):
        socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)
