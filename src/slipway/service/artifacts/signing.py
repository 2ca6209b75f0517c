"""Addresses that expire: who has one may do the one thing it says until then, without a login."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from urllib.parse import quote, urlencode

_PREFIX: Final = "slipway-artifact-1"


def signed(base: str, secret: bytes, method: str, bucket: str, key: str, expires: int) -> str:
    """`BASE/BUCKET/KEY?expires=…&signature=…`; `expires` in seconds since 1970."""
    query = urlencode({"expires": expires, "signature": _signature(secret, method, bucket, key, expires)})
    return f"{base.rstrip('/')}/{quote(bucket)}/{quote(key)}?{query}"


def valid(
    secret: bytes, method: str, bucket: str, key: str, expires: str, signature: str, now: float
) -> bool:
    """Whether the signature is ours and `now` (seconds since 1970) is not after its end."""
    if not expires.isascii() or not expires.isdecimal() or len(expires) > 15:
        return False
    expected = _signature(secret, method, bucket, key, int(expires))
    return hmac.compare_digest(expected.encode(), signature.encode()) and now <= int(expires)


def _signature(secret: bytes, method: str, bucket: str, key: str, expires: int) -> str:
    text = "\n".join((_PREFIX, method, bucket, quote(key, safe=""), str(expires)))
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
