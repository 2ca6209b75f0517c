"""The keys of an issuer: discovered, kept, and fetched anew when they change (OpenID Connect Discovery 1.0, RFC 7517)."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import FetchError, SlipwayError, UsageError
from slipway.net_errors import redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import KeySet

    from slipway.net import Client

_LOG: Final = logging.getLogger(__name__)
_DOCUMENT: Final = 1 << 20  # bytes of a document of the issuer's
_AGAIN: Final = 30.0  # seconds at least between two requests to the issuer, whatever callers send
_OLD: Final = 600.0  # seconds after which keys are fetched anew beside the work: revoked ones have to go
_KINDS: Final = ("RSA", "EC", "OKP")  # a shared secret has no place among public keys


class NoKeysError(SlipwayError):
    """The issuer's keys are not known, and it cannot be asked."""

    code = "issuer"


class Keys:
    """Keys that are known go on while the issuer is down. For one event loop; `clock` gives seconds."""

    def __init__(self, issuer: str, client: Client, clock: Callable[[], float] = monotonic) -> None:
        self._issuer = issuer
        self._client = client
        self._clock = clock
        self._set: KeySet | None = None
        self._fetched = self._tried = float("-inf")
        self._lock = asyncio.Lock()
        self._beside: asyncio.Task[None] | None = None
        self.changes = 0  # grows whenever the set is another one

    async def get(self, kid: str = "") -> KeySet:
        """The keys; fetched anew when `kid` is not among them. `NoKeysError` when there are none."""
        if self._set is None or (kid and not _has(self._set, kid)):
            before = self._tried
            async with self._lock:
                if self._tried == before:  # nobody asked while we waited
                    await self._refresh()
        elif self._clock() - max(self._fetched, self._tried) > _OLD and self._beside is None:
            self._beside = asyncio.create_task(self._refresh())
            self._beside.add_done_callback(self._done)
        if self._set is None:
            raise NoKeysError(
                "the keys of the issuer cannot be fetched", hint="see whether it runs and can be reached"
            )
        return self._set

    def _done(self, _: asyncio.Task[None]) -> None:
        self._beside = None

    async def _refresh(self) -> None:
        now = self._clock()
        if now - self._tried < _AGAIN:
            return
        self._tried = now
        try:
            fetched = await asyncio.to_thread(self._fetch)
        except SlipwayError as error:
            _LOG.warning("the keys of the issuer cannot be fetched: %s", error.brief)
            return
        self._fetched = now
        if self._set is None or fetched.as_dict(private=False) != self._set.as_dict(private=False):
            self._set = fetched
            self.changes += 1

    def _fetch(self) -> KeySet:
        from joserfc.errors import JoseError
        from joserfc.jwk import JWKRegistry, KeySet

        place = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        about = self._document(place)
        if about.get("issuer") != self._issuer:
            raise FetchError(f"{redact(place)} is of another issuer")
        address = about.get("jwks_uri")
        if not isinstance(address, str) or not address.startswith(("https://", "http://")):
            raise FetchError(f"{redact(place)} names no keys")
        if self._issuer.startswith("https:") and not address.startswith("https:"):
            raise FetchError(f"{redact(place)} names keys that are not behind https")
        found = self._document(address).get("keys")
        keys = []
        for each in found if isinstance(found, list) else []:
            with suppress(
                JoseError, ValueError, TypeError, KeyError
            ):  # one that is not understood is no harm to the others
                if _public(each):
                    keys.append(JWKRegistry.import_key(each))
        if not keys:
            raise FetchError(f"{redact(address)} has no keys that can be used")
        return KeySet(keys)

    def _document(self, address: str) -> dict[str, Any]:
        with self._client.get(address, {"Accept": "application/json"}) as answer:
            text = answer.read(_DOCUMENT)
        try:
            content = json.loads(text)
        except ValueError as error:
            raise FetchError(f"{redact(address)} is not JSON") from error
        if not isinstance(content, dict):
            raise FetchError(f"{redact(address)} is not an object")
        return content


def check_issuer(issuer: str) -> None:
    """`UsageError` for an address that tokens cannot be trusted from: everything between could give out keys."""
    from urllib.parse import urlsplit

    parts = urlsplit(issuer)
    near = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and near)):
        raise UsageError(f"the issuer {issuer[:200]!r} is not an https address")


def _public(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in _KINDS and key.get("use", "sig") == "sig"


def _has(keys: KeySet, kid: str) -> bool:
    return any(key.kid == kid for key in keys.keys)
