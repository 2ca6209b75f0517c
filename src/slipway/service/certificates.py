"""The certificate that clients see, and the one that takes its place while the service runs."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.errors import UsageError

if TYPE_CHECKING:
    import ssl

_LOG: Final = logging.getLogger(__name__)
_LOOK: Final = 2.0  # seconds; long enough for who puts first the one file in its place and then the other

State = tuple[tuple[int, ...] | None, ...]


class Certificate:
    """Of two PEM files, the key without a password; `UsageError` when they cannot be used.

    `context` is for the server, for as long as it runs. A renewed pair gets a context of its own, to which each new connection is
    handed: loaded into the one that is in use, half a pair would leave that one without a key.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._files = (certificate, key)
        self._seen = self._tried = self._state()
        self._newest = self.context = _loaded(certificate, key)
        self.context.sni_callback = self._hand_over

    async def watch(self, seconds: float = _LOOK) -> None:
        """Look at the files from time to time, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Use what the files hold if they are others than before, and are since the last look what they are now.

        Where that cannot be used, the log has one warning, and the certificate stays that was in use.
        """
        before, self._seen = self._seen, self._state()
        if self._seen != before or self._seen == self._tried:
            return
        self._tried = self._seen
        try:
            self._newest = _loaded(*self._files)
        except UsageError as error:
            _LOG.warning("%s; the one that was in use stays", error.brief)
        else:
            _LOG.info("the certificate was renewed: new connections see what is in %s now", self._files[0])

    def _hand_over(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called for each connection, also when the client names no server."""
        connection.context = self._newest

    def _state(self) -> State:
        return tuple(_state(path) for path in self._files)


def _state(path: str) -> tuple[int, ...] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _loaded(certificate: str, key: str) -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # without a password: nobody is there to type one
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        reason = (
            error.strerror if isinstance(error, FileNotFoundError | PermissionError) else "it does not fit"
        )
        raise UsageError(
            f"the certificate cannot be used ({certificate} and {key}): {reason}",
            hint="both are PEM files, the key without a password",
        ) from error
    return context
