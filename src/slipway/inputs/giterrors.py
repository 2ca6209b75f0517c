"""What git says when it fails, as errors of ours: which of them pass, which lead to another way, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from slipway.errors import FetchError, InputError, SlipwayError, StoreError, ToolError
from slipway.net_errors import redact
from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.inputs.gitaddress import Address

_LOGIN = "check `credentials`; without them git asks your credential helper and ~/.netrc"
_SSH_LOGIN = "give the right `ssh_key`, or add the key to your ssh-agent"
_PROXY = "check `proxy` in the recipe, and the variables https_proxy, http_proxy and no_proxy"
_KNOWN_HOSTS = "; --ssh-host-keys accept-new takes the keys of servers never seen before"
_LINES = 6
_BREAK = pattern(r"[\r\n]+")
_PROGRESS = pattern(r"(remote: )?[A-Z][a-z ]+:\s+\d+(%|,| \()")
_ADDRESS = pattern(r"[a-z][a-z0-9+.-]*://[^\s'\"]+")


class RefusedError(FetchError):
    """The server gives out branches and tags only, and no shallow copies or single commits."""


class MissingError(FetchError):
    """The server does not have what was asked for by its id."""


class PassingError(FetchError):
    """The transfer broke off; it may work the next time."""


class DamagedError(ToolError):
    """git failed for no reason that is known: perhaps its files in the cache are damaged."""


class _Case(NamedTuple):
    form: re.Pattern[str]
    kind: type[SlipwayError]
    what: str
    hint: str = ""


def _case(form: str, kind: type[SlipwayError], what: str, hint: str = "") -> _Case:
    return _Case(pattern(form, re.IGNORECASE), kind, what, hint)


# In order: what is told first is nearer to the cause than what follows from it.
_CASES = (
    _case(r"No space left on device", StoreError, "no space left on the disk", "free some space"),
    _case(
        r"dubious ownership",
        FetchError,
        "it belongs to somebody else, and git trusts only those that you name",
        "git config --global --add safe.directory PATH",
    ),
    _case(r"transport '.*' not allowed", FetchError, "it leads elsewhere, by a way that is not allowed"),
    _case(
        r"unadvertised object|dumb http transport does not support shallow",
        RefusedError,
        "the server gives out branches and tags only",
    ),
    _case(r"not our ref|unable to find remote ref|couldn't find remote ref", MissingError, "it is not there"),
    _case(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        FetchError,
        "the server's SSH key is not the one in known_hosts",
        "somebody may be pretending to be the server; if its key was really changed, remove the old one with "
        "`ssh-keygen -R HOST`",
    ),
    _case(
        r"Host key verification failed|No .* host key is known for",
        FetchError,
        "the server's SSH key is not in known_hosts",
        "connect once with ssh and compare the key" + _KNOWN_HOSTS,
    ),
    _case(
        r"Permission denied \(|Too many authentication failures",
        FetchError,
        "the SSH server refuses the login",
        _SSH_LOGIN,
    ),
    _case(
        r"(error:? 407|proxy CONNECT aborted|could not resolve proxy|SOCKS)",
        FetchError,
        "the proxy refuses",
        _PROXY,
    ),
    _case(
        r"nc(\.openbsd)?: .*prox|UNKNOWN port 65535",
        FetchError,
        "the SOCKS proxy does not lead there",
        _PROXY,
    ),
    _case(
        r"could not resolve host", FetchError, "there is no such host", "is this machine offline? " + _PROXY
    ),
    _case(r"could not read (Username|Password)", FetchError, "the server wants a login", _LOGIN),
    _case(
        r"Authentication failed|Access denied(?! or repository)|Invalid username|error: 401",
        FetchError,
        "the server refuses the login",
        _LOGIN,
    ),
    _case(r"error: 403", FetchError, "the server forbids it (403)", _LOGIN),
    _case(
        r"certificate (problem|verification|subject)|CAfile|gnutls_handshake|SSL_connect|SSL routines|TLS connect",
        FetchError,
        "the server's certificate is not trusted",
        "name the file of its authority in SSL_CERT_FILE; `GIT_SSL_NO_VERIFY: true` goes without, for this repository",
    ),
    _case(
        r"repository .* not found|error: 404|not appear to be a git repo|not exported|does not exist|Repository not found"
        r"|not a git repository|No such file or directory",
        FetchError,
        "there is no such repository, or this login may not see it",
        "check the address",
    ),
    _case(r"permission denied", FetchError, "it may not be read"),
    _case(
        r"operation too slow|timed out|timeout was reached",
        PassingError,
        "the server does not answer in time",
    ),
    _case(
        r"failed to connect|connection refused|couldn't connect|unreachable|no route to host|unable to connect",
        PassingError,
        "the server cannot be reached",
    ),
    _case(r"fsck error|hasDot|gitmodules|index-pack failed", InputError, "what the server sent is not sound"),
    _case(
        r"early EOF|hung up|unexpected disconnect|RPC failed|connection (was )?reset|recv failure|error: 5\d\d|empty reply"
        r"|Connection closed|bad pack header",
        PassingError,
        "the transfer broke off",
    ),
)


def explained(doing: str, address: Address, said: str) -> SlipwayError:
    """The error for what git `said` while `doing` (a verb) something with a server."""
    lines = _telling(said)
    text = "\n".join(lines)
    brief = f"cannot {doing} {address.public}"
    for case in _CASES:
        if case.form.search(text):
            return case.kind(f"{brief}: {case.what}", details=_short(lines), hint=case.hint)
    return DamagedError(f"{brief}: git failed", details=_short(lines))


def local_failure(address: Address, said: str) -> SlipwayError:
    """The error for what git `said` about files of the cache."""
    lines = _telling(said)
    full = _CASES[0]
    if full.form.search("\n".join(lines)):
        return full.kind(f"cannot keep {address.public}: {full.what}", details=_short(lines), hint=full.hint)
    return DamagedError(f"git cannot work on {address.public}", details=_short(lines))


def _telling(said: str) -> list[str]:
    """The lines that are not progress, without logins in addresses."""
    lines = [_ADDRESS.sub(lambda found: redact(found[0]), line.strip()) for line in _BREAK.split(said)]
    return [line for line in lines if line and not _PROGRESS.match(line)]


def _short(lines: list[str]) -> str:
    kept = [line for line in lines if not re.fullmatch(r"[@ ]+|@.*@", line)]
    return "\n".join(kept[-_LINES:])
