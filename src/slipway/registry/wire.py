"""One connection to a registry, without the HTTP client: for the few small requests about an image that hardly changed.

Importing the client takes longer than most pushes. So requests of at most some KiB, with no login or a password that
is at hand, go over a socket of their own; whatever else a registry may want or answer is left to
`slipway.registry.session`.
"""

from __future__ import annotations

import os
import socket
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from slipway import __version__
from slipway.events import Reporter
from slipway.registry.hosts import endpoint, is_loopback
from slipway.registry.reference import HUB
from slipway.values import value

if TYPE_CHECKING:
    import ssl
    from collections.abc import Generator, Mapping

    from slipway.registry.hosts import Endpoint
    from slipway.registry.reference import Reference
    from slipway.settings import Settings

_PATIENCE = 10.0  # seconds; who is slower is asked again, with retries
_MOST = 1 << 16  # bytes of an answer


class OddError(Exception):
    """An answer that has to be left to the session; as do errors of the network (`OSError`)."""


@value
class Reply:
    """`headers` by their names in lower case."""

    status: int
    headers: Mapping[str, str]


class Wire:
    """Made by `open_wire`; one request at a time."""

    def __init__(
        self, place: Endpoint, reference: Reference, login: tuple[str, str], patience: float
    ) -> None:
        self.reference = reference
        self._place = place
        self._login = login
        self._patience = patience
        self._socket: socket.socket | None = None
        self._headers = {"Host": place.host, "User-Agent": f"slipway/{__version__}"}
        if login[0]:
            self._headers["Authorization"] = "Basic " + b64encode(":".join(login).encode()).decode()

    def twin(self) -> Wire:
        """Another connection to the same repository, for another thread; close it."""
        return Wire(self._place, self.reference, self._login, self._patience)

    def path(self, rest: str) -> str:
        """Of `manifests/latest` and the like, in the repository."""
        return f"/v2/{self.reference.repository}/{rest}"

    def location(self, reply: Reply, asked: str) -> str:
        """The path and query of an answer's Location, if that is on the same host; else `OddError`."""
        try:
            target = urlsplit(urljoin(f"{self._place.url}{asked}", reply.headers.get("location", "")))
        except ValueError as error:
            raise OddError from error
        if f"{target.scheme}://{target.netloc}" != self._place.url:
            raise OddError
        return f"{target.path}?{target.query}" if target.query else target.path

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """`OSError` when the connection fails, `OddError` for an answer that is not plain HTTP/1.1."""
        length = {} if body is None else {"Content-Length": str(len(body))}
        fields = {**self._headers, **(headers or {}), **length}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        if " " in path or any(not line.isascii() or "\r" in line or "\n" in line for line in lines):
            raise OddError
        if self._socket is None:
            self._socket = self._connect()
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + (body or b""))
        return self._reply(self._socket, bodiless=method == "HEAD")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        parts = urlsplit(self._place.url)
        host = parts.hostname or ""
        port = parts.port or (80 if self._place.plain else 443)
        # as bytes, so that Python does not import what it takes to encode names of other scripts
        address: Any = (host.encode("ascii"), port)
        connection = socket.create_connection(address, self._patience)
        # a request is one message: there is nothing to wait for
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._place.plain:
            return connection
        try:
            return _trust(self._place).wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise

    def _reply(self, connection: socket.socket, *, bodiless: bool) -> Reply:
        head, body = _read_until(connection, b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        protocol, _, code = status.partition(" ")
        if protocol != "HTTP/1.1" or not code[:3].isdecimal():
            raise OddError
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        length = headers.get("content-length", "0")
        if not bodiless:
            if "transfer-encoding" in headers or not length.isdecimal() or int(length) > _MOST:
                raise OddError
            while len(body) < int(length):
                body += _more(connection)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(int(code[:3]), headers)


@contextmanager
def open_wire(
    reference: Reference, settings: Settings, login: tuple[str, str] | None = None, *, push: bool = False
) -> Generator[Wire | None]:
    """A wire to the registry of `reference`, not connected yet; None where the session is needed anyhow.

    `push` as in `slipway.registry.hosts`.
    """
    wire = _wire(reference, settings, login, push=push)
    try:
        yield wire
    finally:
        if wire:
            wire.close()


def _wire(
    reference: Reference, settings: Settings, login: tuple[str, str] | None, *, push: bool
) -> Wire | None:
    mirrored = bool(settings.registry_mirror) and not push
    if settings.offline or (reference.registry == HUB and not mirrored):  # Docker Hub always wants a token
        return None
    place = endpoint(reference.registry, settings, push=push)
    if settings.proxies or _has_proxy(place):
        return None
    if reference.registry == HUB:  # a mirror is not told the login of what it stands for
        login = ("", "")
    elif login is None:
        login = _kept_login(reference)
    return Wire(place, reference, login, min(settings.timeout, _PATIENCE)) if login is not None else None


def _has_proxy(place: Endpoint) -> bool:
    names = {"all_proxy", f"{urlsplit(place.url).scheme}_proxy"}
    return not is_loopback(place.host) and any(v and k.lower() in names for k, v in os.environ.items())


def _kept_login(reference: Reference) -> tuple[str, str] | None:
    """User and password, both empty without a login; None when a helper or a token service has to be asked."""
    from slipway.registry.credentials import docker_config, find_login, helper_for, key_of, read_config

    if helper_for(read_config(docker_config()), key_of(reference.registry)):
        return None
    found = find_login(reference.registry, reference.repository, Reporter())
    if found is None:
        return "", ""
    return None if found.identity_token else (found.user, found.password)


def _read_until(connection: socket.socket, mark: bytes) -> tuple[bytes, bytes]:
    data = b""
    while mark not in data:
        if len(data) > _MOST:
            raise OddError
        data += _more(connection)
    head, _, rest = data.partition(mark)
    return head, rest


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 14)
    if not data:
        raise OddError
    return data


def _trust(place: Endpoint) -> ssl.SSLContext:
    """As `slipway.net_trust` has it, but of the machine's authorities the directory alone.

    OpenSSL looks up in it the few that it needs, where reading the whole bundle takes longer than the question.
    """
    import ssl

    from slipway.net_trust import registry_certificates

    file, directory = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    if not file and not directory:
        directory = ssl.get_default_verify_paths().openssl_capath
    context = ssl.create_default_context(cafile=file or None, capath=directory or None)
    certificates = registry_certificates(place.host)
    for authority in certificates.authorities:
        context.load_verify_locations(authority)
    for certificate, key in certificates.own:
        context.load_cert_chain(certificate, key)
    return context
