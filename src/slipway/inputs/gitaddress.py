"""Addresses of git repositories: what git is told, what people are shown, and the login that stood in them. Pure.

The forms are those of git's manual (git-fetch, "Git URLs"): `https://`, `http://`, `ssh://`, `git://`, `file://`,
`[USER@]HOST:PATH`, and paths.
"""

from __future__ import annotations

import re
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from slipway.errors import UsageError
from slipway.net_errors import redact
from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_SCHEME = pattern(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = pattern(r"(?:([^@/:\s]+)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?!//)(.+)\Z", re.DOTALL)
_PORT = pattern(r"[^:]:(\d+)\Z")
_HELPER = pattern(r"[A-Za-z0-9+.-]+::")  # programs that git would run (gitremote-helpers)
_CONTROL = pattern(r"[\x00-\x1f\x7f]")
_SAME = {"git+ssh": "ssh", "ssh+git": "ssh", "git+https": "https", "git+http": "http", "git+file": "file"}
_KNOWN = ("https", "http", "ssh", "git", "file")


@value
class Address:
    """Where a repository is. `wire` is for git, `public` for people and locks; neither holds a password.

    `scheme` is one of https, http, ssh, git, file; `host` is `HOST[:PORT]` in small letters, empty for files. `user` and
    `password` are those that were written into it.
    """

    public: str
    wire: str
    scheme: str
    host: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def is_local(self) -> bool:
        return self.scheme == "file"

    @property
    def name(self) -> str:
        """The host alone."""
        return self.host.rpartition(":")[0].strip("[]") if self.port else self.host.strip("[]")

    @property
    def port(self) -> int | None:
        found = _PORT.search(self.host)
        return int(found[1]) if found else None

    def is_beside(self, other: Address) -> bool:
        """Whether both are of one server, so that a login for one may be shown to the other."""
        return (self.scheme, self.host) == (other.scheme, other.host) and not self.is_local


def parse(url: str, directory: Path) -> Address:
    """The address in a recipe; relative paths are against `directory`. `UsageError` when it is none."""
    if not url or _CONTROL.search(url) or url.startswith("-") or _HELPER.match(url):
        raise UsageError(f"{redact(url)!r} is not the address of a git repository")
    if not (found := _SCHEME.match(url)):
        return _scp(url) or _path(url, directory)
    scheme = _SAME.get(found[1].lower(), found[1].lower())
    if scheme not in _KNOWN:
        raise UsageError(
            f"git repositories cannot be fetched by {found[1]}://",
            hint="known: https, http, ssh, git and file, HOST:PATH, and paths",
        )
    rest = url[found.end() :]
    if scheme == "file":
        return Address(url, f"file://{rest}", "file")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{redact(url)} is not a URL") from error
    return _remote(parts, url)


def public(url: str) -> str:
    """The address as it may be kept and shown; what is none is returned without what looks like a secret."""
    try:
        return parse(url, Path("/")).public
    except UsageError:
        return redact(url)


def below(parent: str, url: str) -> str:
    """The address of a submodule: `./` and `../` are against its repository's (git-submodule, "add")."""
    if not url.startswith(("./", "../")):
        return url
    base = parent.rstrip("/")
    while True:
        if url.startswith("./"):
            url = url[2:]
        elif url.startswith("../"):
            url = url[3:]
            cut = max(base.rfind("/"), base.rfind(":"))
            if cut <= 0 or base[:cut].endswith((":/", "//")) or base == "/":
                raise UsageError(f"a submodule's address goes above its repository's: {redact(parent)}")
            if base[cut] == ":":  # HOST:PATH: what is left of the path is the home directory
                return f"{base[: cut + 1]}{url.rstrip('/')}"
            base = base[:cut]
        else:
            return f"{base}/{url}".rstrip("/")


def _remote(parts: SplitResult, written: str) -> Address:
    host = (parts.hostname or "").lower()
    if not host or host.startswith("-") or " " in parts.netloc:
        raise UsageError(f"{redact(written)} names no host")
    place = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        place += f":{parts.port}"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user.startswith("-"):
        raise UsageError(f"{redact(written)} names no user")
    wire = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
    shown = redact(wire)
    if parts.scheme == "ssh" and user:  # it says whose repository it is; for https it may well be a token
        wire, shown = (text.replace("://", f"://{parts.username}@", 1) for text in (wire, shown))
    return Address(shown, wire, parts.scheme, place, user, password)


def _scp(url: str) -> Address | None:
    """`USER@HOST:PATH`, unless a slash comes before the colon."""
    found = _SCP.match(url)
    if not found or found[2].startswith("-") or (found[1] or "").startswith("-"):
        return None
    return Address(url, url, "ssh", found[2].lower(), found[1] or "")


def _path(url: str, directory: Path) -> Address:
    place = Path(url).expanduser() if url.startswith("~") else Path(url)
    return Address(url, str(directory / place), "file")
