"""Where the API of a registry is: which host answers for a name, and whether it speaks TLS."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from slipway.errors import UsageError
from slipway.registry.reference import HUB
from slipway.values import value

if TYPE_CHECKING:
    from slipway.settings import Settings

_HUB_API = "registry-1.docker.io"  # the one registry whose API is not where its name says
_PATIENCE = 2.0  # seconds for a server on this machine to show which protocol it speaks


@value
class Endpoint:
    """`host` is `HOST[:PORT]`; with `plain` the connection is not encrypted."""

    host: str
    plain: bool = False

    @property
    def url(self) -> str:
        return f"{'http' if self.plain else 'https'}://{self.host}"


def endpoint(registry: str, settings: Settings, *, push: bool = False) -> Endpoint:
    """The API of `registry` (`HOST[:PORT]`); a mirror may stand in for Docker Hub, unless it is to `push`.

    https, but for hosts in `settings.plain_http`, a mirror written as `http://…`, and servers on this machine that do
    not speak TLS.
    """
    scheme, host = "", registry
    if registry == HUB:
        mirror = "" if push else settings.registry_mirror
        scheme, host = _mirror(mirror) if mirror else ("https", _HUB_API)
    if settings.offline:  # not even a question to this machine; who asks is told by the client
        return Endpoint(host)
    plain = scheme == "http" or host in settings.plain_http.split()
    return Endpoint(host, plain or (not scheme and is_loopback(host) and not _speaks_tls(host)))


def is_loopback(host: str) -> bool:
    """Whether `HOST[:PORT]` is this machine, as written; names are not looked up."""
    name, _ = _split(host)
    if name in ("localhost", "127.0.0.1"):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _mirror(text: str) -> tuple[str, str]:
    scheme, separator, host = text.rpartition("://")
    host = host.rstrip("/")
    if (separator and scheme not in ("http", "https")) or not host or set("/@?#") & set(host):
        raise UsageError(f"registry_mirror is HOST[:PORT] or http://HOST[:PORT], not {text!r}")
    return scheme, host


def _split(host: str) -> tuple[str, int | None]:
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        port = port.removeprefix(":")
    else:
        name, _, port = host.partition(":")
    return name, int(port) if port.isdecimal() else None


def _speaks_tls(host: str) -> bool:
    """Ask in plain text: a server without TLS answers, one with TLS sends an alert, a 400, or hangs up.

    The other way round a server without TLS might wait for ever for the end of what it takes for a request line.
    """
    name, port = _split(host)
    question = f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    try:
        # as bytes, so that Python does not import what it takes to encode names of other scripts
        address: Any = (name.encode("ascii"), 443 if port is None else port)
        connection = socket.create_connection(address, timeout=_PATIENCE)
    except OSError:
        return False  # nobody there, as the request itself will find out, or on port 80
    answer = b""
    with connection:
        try:
            connection.sendall(question)
            while len(answer) < 12 and (more := connection.recv(64)):
                answer += more
        except TimeoutError:
            return False  # it understood, and thinks
        except OSError:
            return True
    return not answer.startswith(b"HTTP/1") or answer[9:12] == b"400"
