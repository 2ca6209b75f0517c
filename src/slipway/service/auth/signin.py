"""The door: who asks becomes `scope["state"]["actor"]`, or goes no further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from slipway.service.asgi import header, refuse
from slipway.service.auth.keys import NoKeysError
from slipway.service.auth.tokens import TokenError
from slipway.service.model import SYSTEM

if TYPE_CHECKING:
    from slipway.service.asgi import App, Receive, Scope, Send
    from slipway.service.auth.tokens import Tokens
    from slipway.service.limits import Rates
    from slipway.service.model import Actor
    from slipway.service.settings import ServiceSettings

_NEAR: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class SignIn:
    """Without `tokens` everyone is an administrator, but for pages of other sites that use a browser on this machine."""

    def __init__(self, app: App, settings: ServiceSettings, tokens: Tokens | None, rates: Rates) -> None:
        self._app = app
        self._tokens = tokens
        self._rates = rates
        public = urlsplit(settings.public_url)
        self._public = public.netloc.lower()
        self._hosts = _NEAR | {public.hostname or ""} if settings.loopback else frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        actor = await self._who(scope, send)
        if actor is None:
            return
        scope["state"]["actor"] = actor
        if not actor.roles:
            await refuse(scope, send, 403, "The token gives no role here: viewer, builder or admin.")
        elif not await self._late(scope, send, actor.name):
            await self._app(scope, receive, send)

    async def _who(self, scope: Scope, send: Send) -> Actor | None:
        if self._tokens is None:
            if not self._foreign(scope):
                return SYSTEM
            await refuse(scope, send, 403, "Pages of other sites may not use this service.")
            return None
        scheme, _, token = header(scope, b"authorization").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            await self._unknown(scope, send, "This needs a bearer token.", "")
            return None
        try:
            return await self._tokens.actor(token.strip())
        except TokenError as error:
            said = f', error="invalid_token", error_description="{error.brief}"'
            await self._unknown(scope, send, f"The token lets nobody in: {error.brief}.", said)
        except NoKeysError as error:
            await refuse(scope, send, 503, f"Nobody can sign in: {error.brief}.", ((b"retry-after", b"30"),))
        return None

    async def _unknown(self, scope: Scope, send: Send, detail: str, said: str) -> None:
        if not await self._late(scope, send, ""):  # trying tokens is limited too
            challenge = f'Bearer realm="slipway"{said}'.encode()
            await refuse(scope, send, 401, detail, ((b"www-authenticate", challenge),))

    async def _late(self, scope: Scope, send: Send, name: str) -> bool:
        """Whether the caller, by name or else by address, has asked too often; then that was the answer."""
        client = scope.get("client") or ("",)
        if wait := self._rates.wait(f"name {name}" if name else f"address {client[0]}"):
            detail = f"Too many requests. The next may come in {wait} s."
            await refuse(scope, send, 429, detail, ((b"retry-after", b"%d" % wait),))
        return bool(wait)

    def _foreign(self, scope: Scope) -> bool:
        """Whether a browser asks for a page that is not ours (Fetch standard: browsers say where a request is from)."""
        origin = header(scope, b"origin").decode("latin-1").lower()
        if not origin and not header(scope, b"sec-fetch-site"):
            return False
        host = header(scope, b"host").decode("latin-1").lower()
        if self._hosts and _name(host) not in self._hosts:  # a foreign name that was made to lead here
            return True
        return bool(origin) and origin.partition("://")[2] not in {host, self._public} - {""}


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
