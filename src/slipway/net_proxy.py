"""Which proxy stands before which host: as the environment says, and over that what the recipe says."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Proxies = Sequence[tuple[str, str]]


def effective(proxies: Proxies = ()) -> dict[str, str]:
    """Values by lower-case name (`https_proxy`): those of the environment, with `proxies` in their place."""
    found = {k.lower(): v for k, v in os.environ.items() if k.isupper() and k.endswith("_PROXY")}
    found |= {k: v for k, v in os.environ.items() if k.islower() and k.endswith("_proxy")}
    found |= {name.lower(): value for name, value in proxies}
    return {name: value for name, value in found.items() if value}


def variables(proxies: Proxies) -> dict[str, str]:
    """What `proxies` are for a program's environment: some look for capitals, some for small letters."""
    return {form: value for name, value in proxies for form in (name.upper(), name.lower())}


def proxy_for(scheme: str, host: str, port: int | None, proxies: Proxies = ()) -> str:
    """The address of the proxy for requests of `scheme` (http, https) to this host; empty when there is none."""
    known = effective(proxies)
    found = known.get(f"{scheme}_proxy") or known.get("all_proxy") or ""
    if not found or any(_matches(host.lower(), port, rule) for rule in known.get("no_proxy", "").split(",")):
        return ""
    return found if "://" in found else f"http://{found}"


def _matches(host: str, port: int | None, rule: str) -> bool:
    """Whether `rule` of NO_PROXY is about the host: `*`, a name with all below it, an address or a network (curl(1))."""
    rule = rule.strip().lower().rstrip(".")
    if rule in ("", "*"):
        return rule == "*"
    if "/" in rule:
        from ipaddress import ip_address, ip_network

        with suppress(ValueError):
            return ip_address(host) in ip_network(rule, strict=False)
        return False
    if rule.startswith("[") or rule.count(":") == 1:
        name, _, wanted = rule.rpartition(":") if not rule.endswith("]") else (rule, "", "")
        if wanted and wanted != str(port):
            return False
        rule = name.strip("[]")
    rule = rule.removeprefix("*").lstrip(".")
    return host == rule or host.endswith(f".{rule}")
