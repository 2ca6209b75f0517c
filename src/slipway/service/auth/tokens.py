"""Bearer tokens: signed JWTs of the issuer (RFC 7519, RFC 9068), looked at in the order in which it costs least to refuse them."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import SlipwayError
from slipway.service.auth.keys import NoKeysError
from slipway.service.auth.roles import granted
from slipway.service.model import Actor

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import KeySet

    from slipway.service.auth.keys import Keys

# Public keys only: with a shared secret or with `none`, who knows the public key could sign.
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
_LONGEST: Final = 16 << 10  # characters of a token
_LEEWAY: Final = 30  # seconds that clocks may differ
_REMEMBERED: Final = 2_000  # tokens that need no second look


class TokenError(SlipwayError):
    """The token lets nobody in. The text says why in words that help the caller and nobody else."""

    code = "token"


class Tokens:
    """`clock` gives seconds since 1970."""

    def __init__(
        self, keys: Keys, issuer: str, audience: str, roles: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._roles = roles
        self._clock = clock
        self._seen: dict[bytes, tuple[float, Actor]] = {}
        self._changes = 0
        # the old name of Ed25519 (RFC 9864), which most issuers still write
        warnings.filterwarnings("ignore", message="EdDSA is deprecated")

    async def prepare(self) -> None:
        """Fetch the keys now; what is wrong with the issuer is in the log when the service starts, not when somebody asks."""
        with suppress(NoKeysError):
            await self._keys.get()

    async def actor(self, token: str) -> Actor:
        """Who the token is for. `TokenError` when it is not good, `NoKeysError` when that cannot be told."""
        if len(token) > _LONGEST:
            raise TokenError("the token is too long")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._seen.get(digest)
        keys = await self._keys.get("" if known else _kid(token))
        if self._changes != self._keys.changes:  # a key may have been withdrawn
            self._seen.clear()
            self._changes, known = self._keys.changes, None
        if known is not None and self._clock() < known[0]:
            return known[1]
        until, actor = self._check(token, keys)
        if len(self._seen) >= _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[digest] = until, actor
        return actor

    def _check(self, token: str, keys: KeySet) -> tuple[float, Actor]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            claims = decoded.claims
            registry = jwt.JWTClaimsRegistry(
                now=int(self._clock()),
                leeway=_LEEWAY,
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": self._audience},
                exp={"essential": True},
                sub={"essential": True},
            )
            registry.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise TokenError(_reason(error)) from error
        return float(claims["exp"]) + _LEEWAY, Actor(str(claims["sub"])[:255], granted(claims, self._roles))


def _kid(token: str) -> str:
    """The key that an unchecked token names, for finding out whether to ask for new keys; `TokenError` for what is no token for us."""
    head = token.partition(".")[0]
    try:
        content: Any = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError) as error:
        raise TokenError("this is not a JWT") from error
    if token.count(".") != 2 or not isinstance(content, dict):
        raise TokenError("this is not a signed JWT")
    if content.get("alg") not in ALGORITHMS:
        raise TokenError("tokens signed in that way are not accepted")
    kid = content.get("kid", "")
    if not isinstance(kid, str):
        raise TokenError("this is not a signed JWT")
    return kid


def _reason(error: Exception) -> str:
    from joserfc import errors

    if isinstance(error, errors.ExpiredTokenError):
        return "the token has expired"
    if isinstance(error, errors.BadSignatureError):
        return "the signature of the token is wrong"
    if isinstance(error, errors.ClaimError):
        return f"the token is not good here: {error.claim}"
    return "the token cannot be verified"
