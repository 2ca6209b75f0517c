"""What the tasks of one run share to reach other machines; ending it ends whatever they wait for."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

from slipway.errors import FetchError
from slipway.net import Client
from slipway.net_errors import offline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from slipway.inputs.address import Address
    from slipway.settings import Settings

T = TypeVar("T")


class Network:
    """For any number of threads; close it, or use it in `with`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.client = Client(settings)
        self._lock = threading.Lock()
        self._ends: dict[int, Callable[[], object]] = {}
        self._shared: dict[str, Any] = {}
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def abort(self) -> None:
        """Make everything fail that waits for another machine."""
        self.client.abort()
        with self._lock:
            self._over = True
            ends = list(self._ends.values())
        for end in ends:
            with suppress(OSError):
                end()

    @contextmanager
    def watch(self, end: Callable[[], object]) -> Iterator[None]:
        """During the block, `abort` calls `end` too, from another thread."""
        with self._lock:
            over = self._over
            self._ends[id(end)] = end
        try:
            if over:
                raise FetchError("the download was given up")
            yield
        finally:
            with self._lock:
                del self._ends[id(end)]

    def retry(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns; it is called again while it raises `TransientError`, as `Client.retry` has it."""
        return self.client.retry(attempt)

    def pause(self, seconds: float) -> None:
        self.client.pause(seconds)

    def check(self, address: Address) -> None:
        """`FetchError` when no network is to be used, or this run is over."""
        if self.settings.offline:
            raise offline("download", address.shown)
        self.client.pause(0)

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made once for all tasks."""
        with self._lock:
            if name not in self._shared:
                self._shared[name] = make()
            found: T = self._shared[name]
            return found
