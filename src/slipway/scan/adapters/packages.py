"""The packages that other scanners name, as components: with the kinds, names and versions that inventories use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast, get_args

from slipway.errors import InputError
from slipway.scan.inventory.purl import encode
from slipway.scan.inventory.python import distribution
from slipway.scan.model import Component, Kind
from slipway.scan.versions import scheme_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Final = frozenset(get_args(Kind)) - {
    "cargo",
    "golang",
    "generic",
}  # the first two are of source trees
_BY_SCHEME: Final = {"dpkg": "deb", "apk": "apk", "rpm": "rpm", "pep440": "pypi"}
# Types of purls (purl specification: types) for ecosystems whose packages no inventory of ours lists.
_TYPES: Final = {
    "npm": "npm",
    "Go": "golang",
    "crates.io": "cargo",
    "Maven": "maven",
    "RubyGems": "gem",
    "NuGet": "nuget",
    "Packagist": "composer",
}


def type_of(ecosystem: str) -> str:
    """The type of purl for an ecosystem of OSV."""
    return _TYPES.get(ecosystem.partition(":")[0], "") or _BY_SCHEME.get(scheme_of(ecosystem), "generic")


def component(
    purl: str, kind: str, name: str, version: str, *, namespace: str = "", **more: str
) -> Component:
    """`kind` is a type of purl, for when `purl` is empty; name and version count before those of the purl.

    `more` are fields of `Component`; `path` may begin with a slash. `InputError` for what is no purl.
    """
    told = of_purl(purl) if purl else None
    kind = (told.kind if told.kind != "generic" else kind) if told else kind
    found = cast("Kind", kind if kind in _KINDS else "generic")
    name = name or (told.name if told else "")
    version = version or (told.version if told else "")
    if not name:
        raise InputError("a package has no name")
    if found == "pypi":
        normal = distribution(name, version)
        name, version = normal.name, normal.version
    version = version.removeprefix("0:") if found == "rpm" else version
    return Component(
        found,
        name,
        version,
        purl or encode(kind or "generic", namespace, name, version, {"arch": more.get("arch", "")}),
        more.get("source_name") or (told.source_name if told else ""),
        more.get("source_version") or (told.source_version if told else ""),
        more.get("arch") or (told.arch if told else ""),
        more.get("path", "").lstrip("/"),
        more.get("layer", ""),
    )


@lru_cache(4096)  # each package is named once for each of its weaknesses
def of_purl(text: str) -> Component:
    """What a package URL tells (purl specification). `InputError` for what is none."""
    from packageurl import PackageURL

    try:
        read = PackageURL.from_string(text)
    except ValueError as error:
        raise InputError(f"{text[:80]!r} is not a package URL") from error
    qualifiers = cast("Mapping[str, str]", read.qualifiers or {})
    version = read.version or ""
    epoch = qualifiers.get("epoch", "")
    if epoch and epoch != "0" and ":" not in version:
        version = f"{epoch}:{version}"
    plain = read.type in _KINDS - {"npm"} or not read.namespace
    source, source_version = _upstream(qualifiers.get("upstream", ""))
    return Component(
        cast("Kind", read.type if read.type in _KINDS else "generic"),
        read.name if plain else f"{read.namespace}/{read.name}",
        version,
        text,
        source,
        source_version,
        qualifiers.get("arch", ""),
    )


def _upstream(text: str) -> tuple[str, str]:
    """Name and version of the source package: `openssl@3.0.8-1`, or of RPM the file `openssl-3.0.7-1.el9.src.rpm`."""
    parts = text.removesuffix(".src.rpm").rsplit("-", 2) if text.endswith(".src.rpm") else []
    if len(parts) == 3:
        return parts[0], f"{parts[1]}-{parts[2]}"
    name, _, version = text.partition("@")
    return name, version
