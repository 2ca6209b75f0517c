"""CycloneDX 1.4 to 1.6 as VEX (ECMA-424: `vulnerabilities[].analysis` and `affects`), alone or within a bill of materials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.advisories.fields import mapping, mappings, text, time, word
from slipway.scan.policy.model import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
_MOST_PARTS: Final = 500_000


def is_one(document: Mapping[str, Any]) -> bool:
    return document.get("bomFormat") == "CycloneDX"


def statements(document: Mapping[str, Any], source: str) -> tuple[Statement, ...]:
    """One for each part that an analysed vulnerability affects. Vulnerabilities without an analysis state nothing.

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
        if versions := mappings(affected, "versions"):
            components = tuple(
                _at(purl, word(v, "version")) for purl in components for v in versions if _is_of(v, status)
            )
            if not components:
                continue  # a range, or versions of the product: nothing that could be compared
        yield Statement(
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


def _is_of(version: Mapping[str, Any], status: Status) -> bool:
    """Whether the statement is about that version; by the schema one without a status is affected."""
    well = (word(version, "status") or "affected") == "unaffected"
    return bool(word(version, "version")) and well == (status in ("fixed", "not_affected"))


def _at(purl: str, version: str) -> str:
    """The purl with that version in place of its own."""
    head, mark, tail = purl.partition("?")
    return f"{head.partition('@')[0]}@{quote(version, safe=':')}{mark}{tail}"


def _product(image: Mapping[str, Any]) -> tuple[str, ...]:
    """The most exact name of the component that the document describes: its purl, its digest, or its name."""
    version = word(image, "version")
    name = word(image, "purl") or (version if version.startswith("sha256:") else word(image, "name"))
    return (name,) if name else ()
