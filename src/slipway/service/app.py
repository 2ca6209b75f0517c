"""The one ASGI application: who answers what, and what stands before them.

From outside to inside: `Requests` (id, log, metrics), the prefix of the original's gateway, what needs no sign-in, `SignIn`,
`Bodies`, and the APIs.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

from slipway import __version__
from slipway.service import health
from slipway.service.asgi import answer, below_root, refuse
from slipway.service.auth.signin import SignIn
from slipway.service.lifespan import Lives
from slipway.service.limits import Bodies, Rates
from slipway.service.metrics import Metrics
from slipway.service.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.service.asgi import App, Receive, Scope, Send
    from slipway.service.auth.tokens import Tokens
    from slipway.service.state import Service

PREFIX: Final = "/apis/ims"
# By their own signature, not by who asks; and with bodies of any size.
SIGNED: Final = "/artifacts"
_UPLOADS: Final = (f"{SIGNED}/", "/v4/uploads/", "/v4/artifacts/")


class Application:
    """`apis` by the beginning of their paths (their `root_path`), the empty one for all others; `pages` by path, for everybody.

    `scope["state"]` has `actor`, `request_id`, and `stopping`, an event that is set when streams without an end have to end.
    """

    def __init__(
        self,
        service: Service,
        apis: Mapping[str, App],
        pages: Mapping[str, App],
        tokens: Tokens | None = None,
    ) -> None:
        settings = service.settings
        metrics = Metrics(service)
        self.stopping = asyncio.Event()
        self._ready = health.Ready({"database": service.records.check, "artifacts": service.artifacts.check})
        self._open: dict[str, App] = {
            "/healthz/live": health.live,
            "/healthz/ready": self._ready,
            "/version": _version,
            "/metrics": metrics,
            **pages,
        }
        self._apis = sorted(apis.items(), key=lambda each: -len(each[0]))
        self._names = frozenset(apis)
        self._bodies = Bodies(self._api, settings.request_limit, settings.upload_limit, _upload)
        self._door = SignIn(self._bodies, settings, tokens, Rates(settings.rate))
        self._lives = Lives([app for _, app in self._apis])
        self._all = Requests(self._route, metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._all(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lives(scope, receive, send)
            self._ready.close()
            return
        if scope["type"] != "http":
            return
        scope["state"]["stopping"] = self.stopping
        if scope["path"].startswith(f"{PREFIX}/"):
            scope["root_path"] = PREFIX
        path = below_root(scope)
        page = self._open.get(path)
        if page is not None:
            await _page(page, scope, receive, send)
        elif SIGNED in self._names and path.startswith(f"{SIGNED}/"):
            await self._bodies(scope, receive, send)
        else:
            await self._door(scope, receive, send)

    async def _api(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = below_root(scope)
        for beginning, app in self._apis:
            if path == beginning or path.startswith(f"{beginning}/"):
                scope["root_path"] = scope.get("root_path", "") + beginning
                await app(scope, receive, send)
                return
        await refuse(scope, send, 404, "There is nothing at this address.")


def _upload(scope: Scope) -> bool:
    return scope["method"] == "PUT" and below_root(scope).startswith(_UPLOADS)


async def _page(page: App, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] in ("GET", "HEAD"):
        await page(scope, receive, send)
        return
    allow = ((b"allow", b"GET, HEAD, OPTIONS"),)
    if scope["method"] == "OPTIONS":
        await answer(scope, send, b"", content_type=b"text/html; charset=utf-8", headers=allow)
        return
    body = json.dumps({"message": "The method is not allowed for the requested URL."}).encode() + b"\n"
    await answer(scope, send, body, status=405, headers=allow)


async def _version(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
    await answer(scope, send, json.dumps({"version": __version__}).encode() + b"\n")
