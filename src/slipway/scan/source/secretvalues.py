"""What tells a secret from what only looks like one, and how it is shown: never whole."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import zlib
from collections import Counter
from typing import Final

from slipway.patterns import pattern

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What people write where a secret is to go.
_SAMPLE = pattern(r"(?i).*(?:example|placeholder|your[-_]|redacted|xxxx|12345|abcde|(.)\1{5,}).*")
_WEAK = pattern(
    r"(?i).*(?:sample|dummy|fake|change[-_.]?(?:me|it)|replace|my[-_]?(?:pass|secret|token)|insert|todo|hunter2"
    r"|secret|passw|test|none|null|undefined|foobar).*"
)
_FILLED_IN = pattern(r"[$%][{(\w]|\{\w*\}|\{\{|<[^>]*>|\*{3}|\.\.\.|…|%\w|^:|^@")
_WORD = pattern(r"[A-Za-z]+(?:[-_. ][A-Za-z]+)*\d{0,2}")
_WORDS: Final = frozenset(("pass", "user", "token", "key", "pw", "pwd", "p", "x", "s3cret", "s3cr3t"))
_SHOWN: Final = 4


def is_placeholder(value: str) -> bool:
    """Whether somebody is to put a secret there, or a program does."""
    return (
        is_sample(value)
        or bool(_FILLED_IN.search(value) or _WEAK.fullmatch(value))
        or value.lower() in _WORDS
    )


def is_sample(value: str) -> bool:
    """Whether it is an issuer's own example, or was made by hand: random characters have no such words in them."""
    return _SAMPLE.fullmatch(value) is not None


def entropy(value: str) -> float:
    """Shannon's, in bits for each character."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def looks_random(value: str, bits: float = 3.5) -> bool:
    """Letters and digits without an order: no words, no paths, no names of things."""
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return mixed and entropy(value) >= bits and not _WORD.fullmatch(value)


def has_checksum(token: str) -> bool:
    """Whether the last six characters are the CRC-32 of those behind the prefix, in base 62 (GitHub's and npm's tokens)."""
    body = token.partition("_")[2]
    number, digits = zlib.crc32(body[:-6].encode()), ""
    while number:
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits.rjust(6, "0") == body[-6:]


def is_jwt(token: str) -> bool:
    """Whether the first part is the header of a JSON Web Signature (RFC 7515, section 4)."""
    head = token.partition(".")[0]
    try:
        value = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "alg" in value


def login(value: str) -> tuple[str, str]:
    """User and password of what `auth` holds in Docker's configuration; empty where it is none."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (user, password) if colon else ("", "")


def shown(value: str, *, known: bool) -> str:
    """How a person may see it: its length, and the first characters where they only tell whose it is (`known`)."""
    start = value[:_SHOWN] if known and len(value) >= 4 * _SHOWN else ""
    return f"{start}…, {len(value)} characters"


def trace(value: str) -> str:
    """Sixteen bits of a hash: enough to see that another secret is there now, too few to find out which."""
    return hashlib.sha256(value.encode()).hexdigest()[:4]
