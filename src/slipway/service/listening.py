"""Where the service listens: a socket, and its address as clients would write it."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Final

from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.service.settings import ServiceSettings

_BACKLOG: Final = 2048
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - to tell them apart


def check_public(settings: ServiceSettings) -> None:
    """`UsageError` when everyone on the network would be an administrator, and nobody said that this is meant."""
    if not (settings.loopback or settings.issuer or settings.insecure_public):
        raise UsageError(
            f"{settings.host} can be reached from other machines, and there is no sign-in",
            hint="name an OIDC --issuer, or say --insecure-public where something in front lets nobody else in",
        )


def listen(settings: ServiceSettings) -> socket.socket:
    """A socket that listens; `UsageError` when it cannot be had."""
    place = f"{settings.host} port {settings.port}"
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = "name another --port; 0 takes any that is free"
            raise UsageError(f"{place} is in use", hint=hint) from None
        raise UsageError(f"cannot listen on {place}: {error.strerror}") from error


def address_of(settings: ServiceSettings, listener: socket.socket) -> str:
    """`http://HOST:PORT`, with the name of this machine where the service listens on all addresses."""
    host = socket.gethostname() if settings.host in _EVERYWHERE else settings.host
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.tls_certificate else 'http'}://{host}:{listener.getsockname()[1]}"
