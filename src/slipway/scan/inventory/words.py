"""What packages say in files that nobody has checked: text that may be shown, and JSON that may be anything."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.times import normal, seconds

_LONGEST = 512  # characters of a name or a version
_LONGEST_LICENSE = 200  # some put the whole text there
_MOST_LICENSES = 20
# RFC 3986 (URI, with an authority that is no address in brackets)
_SIGN = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})"
_ADDRESS = pattern(
    rf"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9._~!$&'()*+,;=@-]+(?::[0-9]*)?(?:[/?]{_SIGN}*)?(?:#{_SIGN}*)?"
)


def as_text(name: str) -> str:
    """A name of a file system or a command line, which may be any bytes, as text."""
    return name if name.isascii() else os.fsencode(name).decode(errors="replace")


def word(value: object, what: str) -> str:
    """A name or version; `InputError` for what no packager would write and no terminal should show."""
    if not isinstance(value, str | None):
        raise InputError(f"its {what} is not text")
    text = (value or "").strip()
    if not text:
        raise InputError(f"it has no {what}")
    if len(text) > _LONGEST or not text.isprintable() or any(c.isspace() for c in text):
        raise InputError(f"its {what} makes no sense: {text[:40]!r}")
    return text


def optional(value: object, what: str) -> str:
    """As `word`, and empty where there is none."""
    return word(value, what) if isinstance(value, str) and value.strip() else ""


def licences(*values: object) -> tuple[str, ...]:
    """One line each, without repetitions; what is no text, or too long to be a name, is left out."""
    lines = (" ".join(value.split()) for value in values if isinstance(value, str))
    kept = (line for line in lines if line and len(line) <= _LONGEST_LICENSE and line.isprintable())
    return tuple(dict.fromkeys(kept))[:_MOST_LICENSES]


def moment(value: object) -> str:
    """A time (RFC 3339) in UTC with whole seconds; empty for what is none, or before 1970, as is the one by which Docker says none."""
    try:
        text = normal(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST else ""
        return text if text and seconds(text) >= 0 else ""
    except (InputError, ValueError):
        return ""


def json_object(data: bytes) -> dict[str, Any]:
    """`InputError` for anything but a JSON object, however deep or damaged."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"it is not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise InputError("it is not a JSON object")
    return value


def is_address(text: str) -> bool:
    """Whether it is written as addresses of the web and the like have to be: some formats take no others."""
    return bool(_ADDRESS.fullmatch(text))


def public_url(value: object) -> str:
    """An address without what may be secret in it: user, password, query; empty for what is none.

    The user `git` stays: it is part of the address of every SSH repository (PEP 610).
    """
    if not isinstance(value, str) or len(value) > 4096 or not value.isprintable():
        return ""
    try:
        parts = urlsplit(value.strip())
        user = parts.username
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    if not parts.scheme or any(c.isspace() for c in value.strip()):
        return ""
    return urlunsplit((parts.scheme, f"git@{host}" if user == "git" else host, parts.path, "", ""))
