"""Whether the service lives, and whether it can work.

The first asks nobody. The second asks database and storage, each in a thread of its own and for a bounded time: a check that hangs
is not begun a second time.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, Final

from slipway.errors import SlipwayError
from slipway.service.asgi import answer, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slipway.service.asgi import Receive, Scope, Send

_PATIENCE: Final = 5.0  # seconds for an answer
_FRESH: Final = 1.0  # seconds for which an answer is good: many may ask


async def live(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
    await answer(scope, send, b"{}\n")


class Ready:
    """`checks` block, and raise `SlipwayError` when a part cannot be used; by the name of the part."""

    def __init__(self, checks: Mapping[str, Callable[[], object]]) -> None:
        self._checks = checks
        self._threads = ThreadPoolExecutor(max(1, len(checks)), "health")
        self._running: dict[str, asyncio.Future[object]] = {}
        self._told: tuple[float, tuple[str, ...]] = (-_FRESH, ())

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        if problems := await self.problems():
            await refuse(scope, send, 503, "; ".join(problems), ((b"retry-after", b"5"),))
        else:
            await answer(scope, send, b"{}\n")

    async def problems(self) -> tuple[str, ...]:
        """What cannot be used, and why; empty when all can."""
        if monotonic() - self._told[0] >= _FRESH:
            found = await asyncio.gather(*(self._ask(name) for name in self._checks))
            self._told = monotonic(), tuple(problem for problem in found if problem)
        return self._told[1]

    async def _ask(self, name: str) -> str:
        running = self._running.get(name)
        if running is None or running.done():
            loop = asyncio.get_running_loop()
            running = self._running[name] = loop.run_in_executor(self._threads, self._checks[name])
            running.add_done_callback(_seen)
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.shield(running)
        except TimeoutError:
            return f"{name}: no answer within {_PATIENCE:.0f} seconds"
        except SlipwayError as error:
            return f"{name}: {error.brief}"
        except Exception as error:  # noqa: BLE001 - whatever it is, it cannot be used
            return f"{name}: {type(error).__name__}"
        return ""


def _seen(done: asyncio.Future[object]) -> None:
    """Nobody may be waiting any more: that it failed is no news for the log."""
    if not done.cancelled():
        done.exception()
