"""Addresses of things on other machines, as recipes write them, and what of an address may be kept and shown."""

from __future__ import annotations

import re
from dataclasses import field
from urllib.parse import unquote

from slipway.errors import UsageError
from slipway.net_errors import redact
from slipway.oci.digest import key_of
from slipway.patterns import pattern
from slipway.values import value

# Beside the scheme, what stands before the path (RFC 3986, section 3.2). A path has no query here: `?` and `#` are letters.
_FORM = pattern(
    r"([a-z][a-z0-9+.-]*)://(?:([^/]*)@)?(\[[0-9a-f:.%a-z]+\]|[^/:@\[\]]*)(?::([0-9]{1,5}))?(/.*)?\Z",
    re.IGNORECASE | re.DOTALL,
)
_SCHEME = pattern(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_PASSWORD = pattern(r"(?<=://)([^/@:]*):[^/]*@")
_WEB_PASSWORD = pattern(r"(?<=://)([^/?#@:]*):[^/?#]*@")
# What a shell would act on: ssh puts user and host into commands that the user's configuration names.
_UNFIT = pattern(r"""\A-|[\x00-\x20\x7f'"`$\\;&|<>(){}]""")

REMOTE = ("http", "https", "ftp", "ftps", "scp", "sftp", "s3")
_SSH = ("scp", "sftp")


@value
class Address:
    """An address in its parts. `path` is decoded and begins with `/` (or is empty); `port` is 0 for the usual one.

    `text` is the address as written; `shown` is what may be kept and shown of it.
    """

    scheme: str
    host: str
    path: str
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    text: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        return public(self.text)


def scheme_of(source: str) -> str:
    """The scheme of a source in small letters; empty for a path."""
    found = _SCHEME.match(source)
    return found[1].lower() if found else ""


def is_remote(source: str) -> bool:
    """Whether a source is on another machine."""
    return scheme_of(source) in REMOTE


def parse(source: str) -> Address:
    """The parts of a source that is not http(s); `UsageError` when it is no such address."""
    found = _FORM.match(source)
    if not found or not found[3]:
        raise UsageError(f"not an address of a file: {public(source)}")
    scheme = found[1].lower()
    user, _, password = (found[2] or "").partition(":")
    address = Address(
        scheme,
        found[3].strip("[]"),
        # a key of S3 is written as it is
        (found[5] or "") if scheme == "s3" else unquote(found[5] or ""),
        int(found[4] or 0),
        unquote(user),
        unquote(password),
        source,
    )
    unfit = _UNFIT.search(address.host) or (scheme in _SSH and _UNFIT.search(address.user))
    # U+FFFD: the path was not UTF-8
    if unfit or address.port > 65535 or "\0" in address.path or "\ufffd" in address.path:
        raise UsageError(f"not an address of a file: {address.shown}")
    return address


def public(source: str) -> str:
    """`source` without passwords and tokens. The user of an SSH address stays: without it, it would be another one."""
    if scheme_of(source) not in _SSH:
        return redact(source) if is_remote(source) else source
    return _PASSWORD.sub(r"\1:***@", source)


def identity(source: str) -> str:
    """The hex key under which answers about a source are kept.

    Its password is not in it: who knows the rest could guess that.
    """
    password = _WEB_PASSWORD if scheme_of(source) in ("http", "https") else _PASSWORD
    return key_of(password.sub(r"\1@", source))
