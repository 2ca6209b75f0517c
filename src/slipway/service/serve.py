"""Runs the service until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from slipway.service.listening import address_of, check_public, listen
from slipway.service.logs import logging_to
from slipway.service.opening import opened, placed

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from slipway.service.auth.tokens import Tokens
    from slipway.service.settings import ServiceSettings
    from slipway.settings import Settings

_LOG: Final = logging.getLogger(__name__)


def run(
    settings: ServiceSettings, user: Settings, said: Callable[[str], object], ignored: Sequence[str] = ()
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests that are being answered and close everything.

    `said` gets the address once the service answers there; until then, errors as the parts raise them. `ignored` are variables to
    name in the log.
    """
    check_public(settings)
    settings = placed(settings, user.store)
    with listen(settings) as listener, logging_to(sys.stderr, settings.log_level):
        address = address_of(settings, listener)
        settings = settings.with_(public_url=settings.public_url.rstrip("/") or address)
        if ignored:
            _LOG.warning("these variables mean nothing here: %s", ", ".join(ignored))
        if not settings.issuer and not settings.loopback:
            _LOG.warning("there is no sign-in: everyone who reaches %s is an administrator", address)
        with tokens_of(settings, user) as tokens:
            _serve(settings, listener, tokens, lambda: said(address))
        _LOG.info("stopped")


def _serve(
    settings: ServiceSettings, listener: socket.socket, tokens: Tokens | None, ready: Callable[[], object]
) -> None:
    from slipway.service.assembly import assembled
    from slipway.service.certificates import Certificate
    from slipway.service.server import Server

    tls = Certificate(settings.tls_certificate, settings.tls_key) if settings.tls_certificate else None
    with opened(settings) as service:
        server = Server(assembled(service, tokens), tls, settings.connections, ready)

        async def serve() -> None:
            if tokens is not None:
                await tokens.prepare()
            await server.serve(sockets=[listener])

        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(serve())


@contextmanager
def tokens_of(settings: ServiceSettings, user: Settings) -> Iterator[Tokens | None]:
    """What looks at tokens; None where nobody has to sign in. `UsageError` for an issuer that cannot be trusted."""
    if not settings.issuer:
        yield None
        return
    from slipway.net import Client
    from slipway.service.auth.keys import Keys, check_issuer
    from slipway.service.auth.tokens import Tokens

    check_issuer(settings.issuer)
    with Client(user, netrc=False) as client:
        keys = Keys(settings.issuer, client)
        yield Tokens(keys, settings.issuer, settings.audience, settings.roles_claim)
