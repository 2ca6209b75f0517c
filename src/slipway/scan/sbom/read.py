"""Inventories from CycloneDX documents in JSON, of any version, whoever wrote them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast, get_args
from urllib.parse import unquote

from slipway.errors import InputError, UsageError
from slipway.scan.inventory.words import licences, optional, public_url, word
from slipway.scan.model import Component, Inventory, Kind, System
from slipway.scan.sbom import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MOST_BYTES: Final = 256 << 20
_MOST_COMPONENTS: Final = 500_000
_KINDS: Final = frozenset(get_args(Kind)) - {"generic"}


def read_cyclonedx(path: Path) -> Inventory:
    """The inventory in the document at `path`.

    Components that name no package (files, services) are left out; those of a kind that nobody scans are `generic`.
    `UsageError` when there is no such file, `InputError` when it is no CycloneDX document.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"{path} is larger than any bill of materials ({_MOST_BYTES >> 20} MiB)")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict) or value.get("bomFormat") != "CycloneDX":
        raise InputError(f"{path} is not a CycloneDX document", hint="write one with `slipway sbom`")
    try:
        return _inventory(value, str(path))
    except InputError as error:
        raise InputError(f"{path}: {error.brief}") from error


def _inventory(document: Mapping[str, Any], path: str) -> Inventory:
    image = _object(_object(document, "metadata"), "component")
    said = _properties(image)
    rows = list(_rows(document))
    system = next((_system(row) for row in rows if row.get("type") == "operating-system"), System())
    components = [found for row in rows if (found := _component(row))]
    unread = [text for name, text in said if name == names.UNREAD]
    if not unread and _is_incomplete(document):
        unread = ["the document says that it is incomplete"]
    return Inventory(
        optional(image.get("name"), "name") or path,
        optional(image.get("version"), "version") if image.get("type") == "container" else "",
        dict(said).get(names.PLATFORM, ""),
        system,
        tuple(sorted(components, key=lambda c: (c.kind, c.name, c.version, c.path))),
        tuple(unread),
    )


def _rows(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All components, those inside others too."""
    waiting = [document]
    count = 0
    while waiting:
        rows = waiting.pop().get("components") or []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError("its components are no list of objects")
        count += len(rows)
        if count > _MOST_COMPONENTS:
            raise InputError(f"it has more than {_MOST_COMPONENTS} components")
        yield from rows
        waiting.extend(rows)


def _component(row: Mapping[str, Any]) -> Component | None:
    purl = optional(row.get("purl"), "purl")
    if not purl.startswith("pkg:"):
        return None
    kind = purl[4:].partition("/")[0].lower()
    name = word(row.get("name"), "name")
    group = optional(row.get("group"), "group")
    said = dict(_properties(row))
    qualifiers = _qualifiers(purl)
    source, _, source_version = qualifiers.get("upstream", "").partition("@")
    return Component(
        cast("Kind", kind if kind in _KINDS else "generic"),
        f"{group}/{name}" if group and kind == "npm" and not name.startswith("@") else name,
        optional(row.get("version"), "version"),
        purl,
        said.get(names.SOURCE, source),
        said.get(names.SOURCE_VERSION, source_version),
        said.get(names.ARCH, qualifiers.get("arch", "")),
        said.get(names.PATH, ""),
        said.get(names.LAYER, ""),
        said.get(names.OWNER, ""),
        licences(*_licence_names(row)),
        next(
            (
                public_url(r.get("url"))
                for r in _objects(row, "externalReferences")
                if r.get("type") == "distribution"
            ),
            "",
        ),
    )


def _system(row: Mapping[str, Any]) -> System:
    return System(
        optional(row.get("name"), "name").lower(),
        optional(row.get("version"), "version"),
        dict(_properties(row)).get(names.CODENAME, ""),
        next(iter(licences(row.get("description"))), ""),
    )


def _licence_names(row: Mapping[str, Any]) -> Iterator[object]:
    for entry in _objects(row, "licenses"):
        licence = entry.get("license")
        if isinstance(licence, dict):
            yield licence.get("id") or licence.get("name")
        else:
            yield entry.get("expression")


def _is_incomplete(document: Mapping[str, Any]) -> bool:
    return any(
        str(c.get("aggregate", "")).startswith("incomplete") for c in _objects(document, "compositions")
    )


def _properties(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = [(p.get("name"), p.get("value")) for p in _objects(row, "properties")]
    return [(n, v) for n, v in pairs if isinstance(n, str) and isinstance(v, str) and len(v) <= 4096]


def _qualifiers(purl: str) -> dict[str, str]:
    """Of a package URL (purl specification: what follows `?`, up to `#`)."""
    tail = purl.partition("?")[2].partition("#")[0]
    pairs = (pair.partition("=") for pair in tail.split("&") if pair)
    return {name: unquote(value) for name, _, value in pairs}


def _object(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _objects(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = row.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
