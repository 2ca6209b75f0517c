"""When what is kept no longer is removed: soon after the start, and then from time to time."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOG: Final = logging.getLogger(__name__)
_FIRST: Final = 60.0  # seconds after the start, which has more urgent things to do


class Sweeper:
    """Calls `work`, which gives counts of what it removed, every `seconds`, in a thread of its own: a storage may take long over it."""

    def __init__(self, work: Callable[[], Mapping[str, int]], seconds: float) -> None:
        self._work = work
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeps", daemon=True)
        self._thread.start()

    def close(self, grace: float = 10) -> None:
        """A sweep that runs is left alone, at the latest after `grace` seconds: the next one goes on."""
        self._stop.set()
        self._thread.join(grace)

    def _run(self) -> None:
        pause = min(_FIRST, self._seconds)
        while not self._stop.wait(pause):
            pause = self._seconds
            try:
                counts = self._work()
            except (SlipwayError, OSError) as error:  # the database or the storage is away
                _LOG.warning("what is kept no longer was not removed: %s", error)
                continue
            if removed := ", ".join(f"{what}: {count}" for what, count in counts.items() if count):
                _LOG.info("removed what is kept no longer (%s)", removed)
