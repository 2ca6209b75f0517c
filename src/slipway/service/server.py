"""uvicorn, told to stop by signals and to end without raising them again."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from slipway.service.connections import PatientProtocol, Waiting, room

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from slipway.service.app import Application
    from slipway.service.certificates import Certificate

_KEEP_ALIVE: Final = 30  # seconds without a request until a connection is closed
_GRACE: Final = 30  # seconds for requests that are being answered when the service stops
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Server(uvicorn.Server):
    """`ready` is called when connections are accepted. A second signal ends without waiting for anyone."""

    def __init__(
        self, app: Application, tls: Certificate | None, connections: int, ready: Callable[[], object]
    ) -> None:
        config = uvicorn.Config(
            app,
            http=partial(PatientProtocol, waiting=Waiting(room(connections))),  # type: ignore[arg-type]
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
            ssl_context_factory=None if tls is None else lambda *_: tls.context,
        )
        super().__init__(config)
        self._application = app
        self._tls = tls
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def main_loop(self) -> None:
        watching = None if self._tls is None else asyncio.create_task(self._tls.watch())
        try:
            await super().main_loop()
        finally:
            if watching is not None:
                watching.cancel()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ARG002 - uvicorn's signature
        self._application.stopping.set()
        self.force_exit = self.should_exit
        self.should_exit = True
