"""What fields of documents that anybody may have written are read as: of the wrong form is as good as not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, get_args
from urllib.parse import unquote

from slipway.scan.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_COMPONENTS: Final = 500_000
_KINDS: Final = frozenset(get_args(Kind)) - {
    "cargo",
    "golang",
    "generic",
}  # the first two are of source trees
_LONGEST: Final = 4096  # characters of a path or a line


def object_of(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def objects_of(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = row.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _LONGEST else ""


def kind_of(purl: str) -> Kind:
    """`generic` for packages of a kind that nobody scans."""
    kind = purl.removeprefix("pkg:").partition("/")[0].lower()
    return cast("Kind", kind if kind in _KINDS else "generic")


def direct_url(qualifiers: Mapping[str, str]) -> str:
    """Where a package is from that is not from its index (purl specification: known qualifiers).

    The address of a download that documents tell besides is no sign of that: npm tells it of every package.
    """
    return qualifiers.get("vcs_url") or qualifiers.get("download_url", "")


def qualifiers(purl: str) -> dict[str, str]:
    """Of a package URL (purl specification: what follows `?`, up to `#`)."""
    tail = purl.partition("?")[2].partition("#")[0]
    pairs = (pair.partition("=") for pair in tail.split("&") if pair)
    return {name: unquote(value) for name, _, value in pairs}
