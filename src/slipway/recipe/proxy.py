"""`proxy`: how the build reaches the network; nothing of it is in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.recipe import checks
from slipway.recipe.kinds import ANY_LENGTH, Field, Kind, Refused, convert, text
from slipway.recipe.nodes import Map, Node
from slipway.recipe.records import record

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report

_NAMES = {
    "HTTP_PROXY": ("Proxy for http.", "http://proxy.example.org:3128"),
    "HTTPS_PROXY": ("Proxy for https.", "http://proxy.example.org:3128"),
    "FTP_PROXY": ("Proxy for ftp.", "http://proxy.example.org:3128"),
    "NO_PROXY": (
        "Hosts and domains that are reached directly, separated by commas.",
        ".example.org,10.0.0.7",
    ),
    "SOCKS_PROXY": ("SOCKS proxy, HOST:PORT, for git over SSH.", "proxy.example.org:1080"),
}


def _value(value: str) -> str:
    """It is not quoted: it may hold a password."""
    if checks.has_control(value) or " " in value.strip():
        raise Refused("holds spaces or control characters", "for example http://proxy.example.org:3128")
    return value.strip()


_RECORD = record(
    "a mapping of proxies",
    tuple(
        Field(
            name,
            text("the address of a proxy", _value, limit=ANY_LENGTH),
            doc,
            example,
            "that of the environment",
        )
        for upper, (doc, example) in _NAMES.items()
        for name, doc in ((upper, doc), (upper.lower(), f"The same as `{upper}`."))
    ),
)


def _upper(values: dict[str, Any], node: Node, report: Report) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    with report.complete():
        for key, _ in node.entries if isinstance(node, Map) else ():
            name = key.value.upper()
            if found.setdefault(name, values[key.value]) != values[key.value]:
                report.add(key, f"`{name}` and `{name.lower()}` say different things", "keep one of them")
    return tuple(found.items())


PROXY: Kind[tuple[tuple[str, str], ...]] = convert(_RECORD, _upper)
