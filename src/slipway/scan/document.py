"""Scans as plain data and back: the JSON documents of `slipway scan`.

Keys are those of the values in `scan/model.py`; what is empty is left out. Findings and the like name their component by
its place in `components`. `format` changes when a reader of an older document would be misled.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from slipway.errors import InputError
from slipway.scan.model import (
    Component,
    Feed,
    Finding,
    Inventory,
    Level,
    Outdated,
    Scan,
    Severity,
    System,
    Uncovered,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import DataclassInstance

FORMAT: Final = 1
T = TypeVar("T")
_OTHERS: Final = frozenset({"component", "severity", "raw"})


def written(scan: Scan) -> dict[str, Any]:
    """The scan as data for JSON. What other scanners' own documents held besides (`Finding.raw`) is not kept."""
    here = scan.inventory.components
    # what another scanner found in a package that we do not see has its component behind ours
    components = list(dict.fromkeys((*here, *(finding.component for finding in scan.findings))))
    places = {component: place for place, component in enumerate(components)}
    inventory = scan.inventory
    return {
        "format": FORMAT,
        "image": {
            "name": inventory.name,
            "digest": inventory.digest,
            "platform": inventory.platform,
            "system": _plain(inventory.system),
            "labels": dict(inventory.labels),
            "created": inventory.created,
        },
        "time": scan.time,
        "complete": scan.complete,
        "problems": list(scan.problems),
        "unread": list(inventory.unread),
        "feeds": [_plain(feed) for feed in scan.feeds],
        "findings": [_finding(finding, places) for finding in scan.findings],
        "outdated": [{"component": places[o.component], **_plain(o)} for o in scan.outdated],
        "uncovered": [{"component": places[u.component], **_plain(u)} for u in scan.uncovered],
        "components": [_plain(component) for component in components],
        "foreign": len(components) - len(here),
    }


def read(data: object) -> Scan:
    """The scan that `written` made this of; `InputError` if it is not one, or of a newer format."""
    if not isinstance(data, dict) or not isinstance(data.get("image"), dict):
        raise InputError("this is not a scan of slipway", hint="write one with `slipway scan --format json`")
    if data.get("format") != FORMAT:
        raise InputError(f"scans of format {str(data.get('format'))[:20]!r} are not known here")
    try:
        return _scan(data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"this scan is damaged: {type(error).__name__} {error}"[:200]) from error


def _scan(data: dict[str, Any]) -> Scan:
    image = data["image"]
    components = [_value(Component, entry) for entry in data["components"]]

    def component(entry: Mapping[str, Any]) -> Component:
        place = entry["component"]
        if not isinstance(place, int) or not 0 <= place < len(components):
            raise IndexError(place)
        return components[place]

    system = image.get("system", {})
    inventory = Inventory(
        str(image["name"]),
        str(image.get("digest", "")),
        str(image.get("platform", "")),
        _value(System, system),
        tuple(components[: len(components) - int(data.get("foreign", 0))]),
        _texts(data.get("unread", ())),
        tuple((str(key), str(value)) for key, value in image.get("labels", {}).items()),
        str(image.get("created", "")),
    )
    findings = []
    for entry in data["findings"]:
        severity = dict(entry.get("severity", {}))
        level = Level[str(severity.pop("level", "unknown")).upper()]
        found = _value(Finding, entry, component=component(entry))
        findings.append(replace(found, severity=replace(_value(Severity, severity), level=level)))
    return Scan(
        inventory,
        tuple(findings),
        tuple(_value(Outdated, entry, component=component(entry)) for entry in data["outdated"]),
        tuple(_value(Uncovered, entry, component=component(entry)) for entry in data["uncovered"]),
        tuple(_value(Feed, entry) for entry in data["feeds"]),
        _texts(data["problems"]),
        str(data["time"]),
    )


def _finding(finding: Finding, places: Mapping[Component, int]) -> dict[str, Any]:
    severity = {**_plain(finding.severity), "level": str(finding.severity.level)}
    return {"component": places[finding.component], **_plain(finding), "severity": severity}


def _plain(value: DataclassInstance) -> dict[str, Any]:
    """The fields that are not empty; those that are values themselves are left to the caller."""
    told = ((f.name, getattr(value, f.name)) for f in fields(value) if f.name not in _OTHERS)
    return {
        name: list(content) if isinstance(content, tuple) else content for name, content in told if content
    }


def _value(kind: type[T], entry: Mapping[str, Any], **given: Any) -> T:
    """A value of that kind from its fields, each of the type that it has by default; keys that are not known are passed over."""
    known: dict[str, Any] = {}
    for each in fields(cast("type[DataclassInstance]", kind)):
        if each.name in _OTHERS or each.name not in entry:
            continue
        content = entry[each.name]
        if isinstance(content, list):
            known[each.name] = _texts(content)
        elif isinstance(content, (str, bool, int, float)):
            known[each.name] = content
        else:
            raise TypeError(f"{each.name} cannot be {type(content).__name__}")
    return kind(**known, **given)


def _texts(content: Sequence[object]) -> tuple[str, ...]:
    if isinstance(content, str):
        raise TypeError("a list is needed")
    return tuple(str(each) for each in content)
