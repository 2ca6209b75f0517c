"""Send the layers of an image to a registry while others are still being made.

Manifests and the tag are left to `slipway.registry.push`, which finds in the store's notes (`slipway.oci.origins`) what
is there already. So a build that fails leaves blobs in the registry that nothing refers to, and no image.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.oci.origins import note_origin, origins
from slipway.registry.small import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from slipway.events import Reporter
    from slipway.oci.store import Descriptor, Store
    from slipway.registry.push import Delivery, Pushed
    from slipway.registry.reference import Reference
    from slipway.settings import Settings


class Sender:
    """Use it in `with`: what is not sent at the end of the block is given up. Nothing is asked before the first offer."""

    def __init__(
        self,
        store: Store,
        reference: Reference,
        settings: Settings,
        reporter: Reporter,
        *,
        login: tuple[str, str] | None = None,
    ) -> None:
        self._store = store
        self._reference = reference
        self._settings = settings
        self._reporter = reporter
        self._login = login
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._offered: dict[str, Future[Delivery]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line:
            self._line.stop()

    def offer(self, layers: Iterable[Descriptor]) -> None:
        """Send these blobs, which are in the store or known to be elsewhere, unless the repository is known to have them.

        Small ones are left to the push, which has them there sooner than a connection is opened. What fails is left
        to it too.
        """
        for blob in layers:
            if blob.size <= LARGEST or self._reference.name in origins(self._store, blob.digest):
                continue
            with self._lock:
                if blob.digest not in self._offered:
                    line = self._line = self._line or _Line(
                        self._store, self._reference, self._settings, self._reporter, self._login
                    )
                    self._offered[blob.digest] = line.send(blob)

    def finish(self) -> None:
        """Wait for all that was offered."""
        if self._line:
            from concurrent.futures import wait

            wait(self._offered.values())
            self._line.stop()

    def counted(self, pushed: Pushed) -> Pushed:
        """What a push after `finish` says, with what was sent before it."""
        done = [
            f.result() for f in self._offered.values() if f.done() and not f.cancelled() and not f.exception()
        ]
        sent = [blob for delivery in done for blob in delivery.uploaded]
        mounted = sum(delivery.mounted for delivery in done)
        return replace(
            pushed,
            uploaded=pushed.uploaded + len(sent),
            mounted=pushed.mounted + mounted,
            skipped=max(0, pushed.skipped - len(sent) - mounted),
            bytes=pushed.bytes + sum(blob.size for blob in sent),
        )


class _Line:
    """A session with the registry, and threads that use it."""

    def __init__(
        self,
        store: Store,
        reference: Reference,
        settings: Settings,
        reporter: Reporter,
        login: tuple[str, str] | None,
    ) -> None:
        from concurrent.futures import ThreadPoolExecutor
        from contextlib import ExitStack

        from slipway.net import CONNECTIONS
        from slipway.registry.session import open_session

        self._store = store
        self._settings = settings
        self._reporter = reporter
        self._stack = ExitStack()
        self._session = self._stack.enter_context(
            open_session(reference, settings, reporter, push=True, login=login)
        )
        self._step = self._stack.enter_context(reporter.step("push layers", str(reference), unit="bytes"))
        self._pool = ThreadPoolExecutor(min(settings.threads, CONNECTIONS))

    def send(self, blob: Descriptor) -> Future[Delivery]:
        return self._pool.submit(self._send, blob)

    def _send(self, blob: Descriptor) -> Delivery:
        from slipway.registry.push import Delivery

        delivery = Delivery(self._store, self._session, self._settings, self._reporter, self._step)
        delivery.provide([blob])
        note_origin(self._store, blob.digest, self._session.reference.name)
        return delivery

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._session.client.abort()
        self._stack.close()
