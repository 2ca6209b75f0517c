"""Addresses that expire: who has one may do the one thing it says until then, without a login."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path

_PREFIX: Final = "slipway-artifact-1"
_SECRET: Final = 32


def secret(path: Path) -> bytes:
    """What addresses are signed with: made once, readable by the service alone."""
    with suppress(FileNotFoundError):
        found = path.read_bytes()
        if len(found) == _SECRET:
            return found
    made = path.with_name(f".{uuid4()}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_SECRET))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(made, path)  # two services that start at once agree on the first
    made.unlink()
    return path.read_bytes()


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
