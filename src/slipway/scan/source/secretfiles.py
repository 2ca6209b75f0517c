"""Files whose very purpose it is to hold logins, known by their names."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, Final

from slipway.patterns import pattern
from slipway.scan.source.model import Rule
from slipway.scan.source.secretvalues import is_placeholder, login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.scan.source.content import Content

_TAGS: Final = ("security", "external/cwe/cwe-256")
NETRC: Final = Rule("secret-netrc", "A password in a .netrc file", "error", tags=_TAGS)
PYPIRC: Final = Rule("secret-pypirc", "A password in a .pypirc file", "error", tags=_TAGS)
NPMRC: Final = Rule("secret-npmrc", "A token in an .npmrc file", "error", tags=_TAGS)
DOCKER: Final = Rule("secret-docker-auth", "A login in Docker's configuration", "error", tags=_TAGS)
RULES: Final = (NETRC, PYPIRC, NPMRC, DOCKER)

_INI = pattern(r"\s*(?:password|token)\s*[=:]\s*(\S.*?)\s*")
_NPM = pattern(r"\s*(?:\S*:)?_(?:authToken|auth|password)\s*=\s*[\"']?([^\s\"']+)[\"']?\s*")

Found = tuple[Rule, int, str]


def search(content: Content) -> Iterator[Found]:
    """The rule, the line and the secret, for each that is in a file of such a name."""
    reader = _READERS.get(content.name)
    if reader is not None and content.text is not None:
        yield from (
            (rule, line, secret) for rule, line, secret in reader(content) if not is_placeholder(secret)
        )


def _netrc(content: Content) -> Iterator[Found]:
    """`machine NAME login USER password SECRET`, in any arrangement of lines (netrc(5))."""
    last = ""
    for number, line in enumerate(content.lines, 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            words = line.split()
        for word in words:
            if last == "password":
                yield NETRC, number, word
                last = ""
            else:
                last = word


def _lines(rule: Rule, form: Any) -> Callable[[Content], Iterator[Found]]:
    def search_lines(content: Content) -> Iterator[Found]:
        for number, line in enumerate(content.lines, 1):
            if found := form.fullmatch(line):
                yield rule, number, found[1]

    return search_lines


def _docker(content: Content) -> Iterator[Found]:
    """`{"auths": {HOST: {"auth": BASE64, "identitytoken": TOKEN}}}`; the older `.dockercfg` has the hosts at its top."""
    try:
        value = json.loads(content.data)
    except (ValueError, RecursionError):
        return
    hosts = (
        value.get("auths", value if content.name == ".dockercfg" else {}) if isinstance(value, dict) else {}
    )
    for entry in hosts.values() if isinstance(hosts, dict) else ():
        for key in ("auth", "identitytoken", "registrytoken", "password"):
            secret = entry.get(key) if isinstance(entry, dict) else None
            if (
                isinstance(secret, str)
                and secret
                and (key != "auth" or not is_placeholder(login(secret)[1] or "x"))
            ):
                line = next((n for n, text in enumerate(content.lines, 1) if secret in text), 0)
                yield DOCKER, line, secret


_READERS: Final = {
    **dict.fromkeys((".netrc", "_netrc", "netrc"), _netrc),
    ".pypirc": _lines(PYPIRC, _INI),
    ".npmrc": _lines(NPMRC, _NPM),
    **dict.fromkeys(("config.json", ".dockercfg", ".dockerconfigjson"), _docker),
}
