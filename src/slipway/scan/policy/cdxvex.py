"""CycloneDX 1.4 to 1.6 as VEX (ECMA-424: `vulnerabilities[].analysis` and `affects`), alone or within a bill of materials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.advisories.fields import mapping, mappings, text, time, word
from slipway.scan.policy.model import EXCUSING, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slipway.scan.model import Status

_VERSIONS: Final = ("1.4", "1.5", "1.6")
_STATUSES: Final[dict[str, Status]] = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}
# In OpenVEX's words; what has none there is kept as it is.
_JUSTIFICATIONS: Final = {
    "code_not_present": "vulnerable_code_not_present",
    "code_not_reachable": "vulnerable_code_not_in_execute_path",
    **dict.fromkeys(
        (
            "protected_by_compiler",
            "protected_at_runtime",
            "protected_at_perimeter",
            "protected_by_mitigating_control",
        ),
        "inline_mitigations_already_exist",
    ),
}
# The name of a part of another document (BOM-Link).
_LINK: Final = pattern(r"urn:cdx:([0-9a-f-]{36})/[0-9]+(?:#(.+))?")
# What our own documents write before the purl of a part.
_NUMBERED: Final = pattern(r"[0-9]+:(?=pkg:)")
# What `affects[].versions[].status` says where the analysis says something else; by the schema one without is affected.
_AFFECTED: Final = "affected"
_OF_VERSION: Final[dict[str, Status]] = {
    _AFFECTED: "affected",
    "unaffected": "not_affected",
    "unknown": "under_investigation",
}
_MOST_PARTS: Final = 500_000


def is_one(document: Mapping[str, Any]) -> bool:
    return document.get("bomFormat") == "CycloneDX"


def statements(document: Mapping[str, Any], source: str) -> tuple[Statement, ...]:
    """One for each part that an analysed vulnerability affects. Vulnerabilities without an analysis state nothing.

    Where versions of a part are listed, it is about these alone: one statement for all of the same status, and one for each range.

    The product is the document's own component. One that has none speaks of the documents that its links name, or of any product.
    """
    version = word(document, "specVersion")
    if version not in _VERSIONS:
        raise InputError(f"CycloneDX {version!r} is not known here as VEX")
    purls = {word(part, "bom-ref"): word(part, "purl") for part in _parts(document)}
    found: list[Statement] = []
    for number, row in enumerate(mappings(document, "vulnerabilities"), 1):
        try:
            found += _statements(row, document, purls, source)
        except InputError as error:
            raise InputError(f"vulnerability {number}: {error.brief}") from error
    return tuple(found)


def _parts(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All components, those inside others too."""
    waiting = [document]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        yield part
        waiting += mappings(part, "components")
    raise InputError(f"it has more than {_MOST_PARTS} components")


def _statements(
    row: Mapping[str, Any], document: Mapping[str, Any], purls: Mapping[str, str], source: str
) -> Iterator[Statement]:
    analysis = mapping(row, "analysis")
    state = word(analysis, "state")
    if not state:
        return
    name = word(row, "id")
    why = word(analysis, "justification")
    note = text(analysis, "detail")
    if not name:
        raise InputError("it has no id")
    if state not in _STATUSES:
        raise InputError(f"{state!r} is no state of an analysis")
    if state == "not_affected" and not why and not note.strip():
        raise InputError("not_affected needs a justification or a detail")
    metadata = mapping(document, "metadata")
    image = mapping(metadata, "component")
    told = time(metadata, "timestamp")
    author = ", ".join(who for each in mappings(metadata, "authors") if (who := word(each, "name")))
    others = tuple(other for each in mappings(row, "references") if (other := word(each, "id")))
    when = time(analysis, "lastUpdated") or time(analysis, "firstIssued") or time(row, "updated") or told
    status = _STATUSES[state]
    own = _product(image)
    for affected in mappings(row, "affects"):
        ref = word(affected, "ref")
        if not ref:
            raise InputError("it affects something without a name")
        link = _LINK.fullmatch(ref)
        part = unquote(link[2] or "") if link else ref
        components: tuple[str, ...] = ()
        if part and part != word(image, "bom-ref"):
            components = (purls.get(ref) or _NUMBERED.sub("", part),)
        whole = Statement(
            (name, *others),
            status,
            own or ((f"urn:uuid:{link[1]}",) if link else ()),
            components,
            _JUSTIFICATIONS.get(why, why),
            note or state.replace("_", " "),
            author,
            when,
            source,
        )
        if versions := mappings(affected, "versions"):
            yield from _by_version(whole, versions)
        else:
            yield whole


def _by_version(whole: Statement, versions: Sequence[Mapping[str, Any]]) -> Iterator[Statement]:
    """The statement for the versions of its part that are listed; of the product itself nobody knows the version."""
    single: dict[Status, list[str]] = {}
    ranges: list[tuple[Status, str]] = []
    for row in versions:
        version, span = word(row, "version"), text(row, "range")
        if bool(version) == bool(span):
            raise InputError("a version that it lists is neither a version nor a range, or both")
        status = _status(word(row, "status") or _AFFECTED, whole.status)
        if span:
            ranges.append((status, span))
        else:
            single.setdefault(status, []).append(version)
    for purl in whole.components:
        for status, listed in single.items():
            yield _about(whole, status, tuple(_at(purl, version) for version in listed))
        for status, span in ranges:
            yield _about(whole, status, (_at(purl, ""),), span)


def _status(told: str, analysed: Status) -> Status:
    """Of a version: the analysis says it more exactly, where both agree on whether it is affected."""
    if told not in _OF_VERSION:
        raise InputError(f"{told!r} is no status of a version")
    agree = (told == "unaffected") == (analysed in EXCUSING) and told != "unknown"
    return analysed if agree else _OF_VERSION[told]


def _about(whole: Statement, status: Status, components: tuple[str, ...], *ranges: str) -> Statement:
    note = whole.note if status == whole.status else "unaffected version"
    return replace(whole, status=status, components=components, ranges=ranges, note=note)


def _at(purl: str, version: str) -> str:
    """The purl with that version (empty: any) in place of its own."""
    head, mark, tail = purl.partition("?")
    release = f"@{quote(version, safe=':')}" if version else ""
    return f"{head.partition('@')[0]}{release}{mark}{tail}"


def _product(image: Mapping[str, Any]) -> tuple[str, ...]:
    """The most exact name of the component that the document describes: its purl, its digest, or its name."""
    version = word(image, "version")
    name = word(image, "purl") or (version if version.startswith("sha256:") else word(image, "name"))
    return (name,) if name else ()
