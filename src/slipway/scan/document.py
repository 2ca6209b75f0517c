"""Scans as plain data and back: the JSON documents of `slipway scan`.

Keys are those of the values in `scan/model.py`; what is empty is left out. Findings and the like name their component by
its place in `components`. `format` changes when a reader of an older document would be misled.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args

from slipway.errors import InputError
from slipway.scan.model import (
    Completeness,
    Component,
    Feed,
    Finding,
    FixState,
    Inventory,
    Kind,
    Level,
    Outdated,
    Scan,
    Severity,
    Status,
    System,
    Uncovered,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import DataclassInstance

FORMAT: Final = 1
T = TypeVar("T")
_OTHERS: Final = frozenset({"component", "severity", "raw"})
_WORDS: Final = {
    "kind": get_args(Kind),
    "status": get_args(Status),
    "fix_state": get_args(FixState),
    "completeness": get_args(Completeness),
}


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
        _text(image["name"]),
        _text(image.get("digest", "")),
        _text(image.get("platform", "")),
        _value(System, system),
        tuple(components[: len(components) - int(data.get("foreign", 0))]),
        _texts(data.get("unread", ())),
        tuple((_text(key), _text(value)) for key, value in image.get("labels", {}).items()),
        _text(image.get("created", "")),
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
        _text(data["time"]),
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
    known = {
        each.name: _content(each.name, "" if each.default is MISSING else each.default, entry[each.name])
        for each in fields(cast("type[DataclassInstance]", kind))
        if each.name not in _OTHERS and each.name in entry
    }
    return kind(**known, **given)


def _content(name: str, usual: object, content: object) -> object:
    """`content`, if it is of the type of `usual`."""
    if isinstance(usual, tuple):
        return _texts(cast("Sequence[object]", content))
    if isinstance(usual, bool):
        fits = isinstance(content, bool)
    elif isinstance(usual, float):
        fits = isinstance(content, int | float) and not isinstance(content, bool)
    else:
        fits = isinstance(content, str) and content in _WORDS.get(name, (_text(content),))
    if not fits:
        raise TypeError(f"{name} cannot be {content!r}"[:100])
    return content


def _text(content: object) -> str:
    """What is written as half of a character is no text: it could not be written again."""
    if not isinstance(content, str):
        raise TypeError(f"{type(content).__name__} where a text is needed")
    content.encode()
    return content


def _texts(content: Sequence[object]) -> tuple[str, ...]:
    if not isinstance(content, list | tuple):
        raise TypeError("a list is needed")
    return tuple(_text(each) for each in content)
