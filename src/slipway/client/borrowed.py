"""A session over somebody else's: any object with the `request` method of `requests.Session`, with its login, proxies and trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.client.errors import BusyError, refused
from slipway.client.session import Session
from slipway.errors import FetchError
from slipway.net import redact
from slipway.net_errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slipway.events import Reporter
    from slipway.net import Body
    from slipway.settings import Settings

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class BorrowedSession(Session):
    """`lender` stays open when this is closed."""

    def __init__(
        self,
        url: str,
        settings: Settings,
        reporter: Reporter,
        lender: Any,
        *,
        agent: str = "",
        pause: Callable[[float], object] | None = None,
    ) -> None:
        super().__init__(url, settings, reporter, agent=agent, pause=pause)
        self._lender = lender
        self._timeout = settings.timeout

    def _once(
        self, method: str, url: str, body: Body | None, headers: dict[str, str], most: int
    ) -> tuple[Mapping[str, str], bytes]:
        headers = {**self._agent, **headers}
        data = b"".join(body.pieces()) if body else None
        try:
            answer = self._lender.request(
                method,
                url,
                data=data,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=method == "GET",
            )
            status, content = int(answer.status_code), bytes(answer.content)
        except OSError as error:  # what requests raises is one
            raise TransientError(f"{method} {redact(url)}: {type(error).__name__}") from error
        if status < 300 and len(content) > most:
            raise FetchError(f"{redact(url)} has more than the {most} bytes allowed")
        if status < 300:
            return dict(answer.headers), content
        problem = refused(f"{method} {redact(url)}", status, content)
        raise BusyError(problem, None) if status in _PASSING else problem
