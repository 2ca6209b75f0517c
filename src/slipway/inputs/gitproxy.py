"""Proxies on the way to git servers, as variables for git and as a command for ssh."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from slipway import proc
from slipway.errors import ToolError, UsageError
from slipway.net_proxy import effective, proxy_for, variables
from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.net_proxy import Proxies

_SOCKS = pattern(
    r"(?:socks(?:5h?)?://)?(?:(?P<login>[^/\s]+)@)?(?P<place>(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d+)/?\Z"
)
_HINT = "apt-get install netcat-openbsd"


def proxy_variables(proxies: Proxies) -> dict[str, str]:
    """What curl, by which git speaks http and https, has to know of the environment's proxies and these."""
    known = effective(proxies)
    if socks := known.pop("socks_proxy", ""):
        login, place = _parts(socks)
        known["all_proxy"] = f"socks5h://{login}{place}"
    return variables(tuple(known.items()))


def proxy_command(proxies: Proxies, host: str, port: int | None) -> str:
    """The ProxyCommand (ssh_config(5)) by which ssh goes to a host through SOCKS_PROXY; empty to go straight."""
    socks = effective(proxies).get("socks_proxy", "")
    if not socks or not proxy_for("socks", host, port, proxies):
        return ""
    login, place = _parts(socks)
    if login:
        raise UsageError("ssh cannot log in to a SOCKS proxy", hint="use one that wants no password")
    name = "nc.openbsd" if shutil.which("nc.openbsd") else "nc"
    program = proc.find(name, purpose="ssh through SOCKS_PROXY", hint=_HINT)
    said = proc.run([program, "-h"], ok=(0, 1))
    if b"proxy" not in said.stderr + said.stdout:
        raise ToolError(
            f"{name} on this machine knows no proxies",
            details="It is needed for ssh through SOCKS_PROXY.",
            hint=_HINT,
        )
    return f"{program} -X 5 -x {place} %h %p"


def _parts(socks: str) -> tuple[str, str]:
    """`LOGIN@` or nothing, and `HOST:PORT`."""
    found = _SOCKS.match(socks)
    if not found:
        raise UsageError("SOCKS_PROXY is not HOST:PORT", hint="for example socks5://proxy.example.org:1080")
    return (f"{found['login']}@" if found["login"] else ""), found["place"]
