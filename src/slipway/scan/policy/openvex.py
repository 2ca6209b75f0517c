"""OpenVEX 0.2.0 (the OpenVEX specification, "VEX Documents", and its JSON schema)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, get_args

from slipway.errors import InputError
from slipway.scan.advisories.fields import mapping, mappings, rows, text, time, word, words
from slipway.scan.model import Status
from slipway.scan.policy.model import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CONTEXT: Final = "https://openvex.dev/ns"
_VERSION: Final = "v0.2.0"
_STATUSES: Final = frozenset(get_args(Status)) - {"no_support"}
_JUSTIFICATIONS: Final = frozenset(
    {
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    }
)


def is_one(document: Mapping[str, Any]) -> bool:
    return str(document.get("@context", "")).startswith(_CONTEXT)


def statements(document: Mapping[str, Any], source: str) -> tuple[Statement, ...]:
    """One for each product of each statement. A statement without a time has that of its document.

    `InputError` for another version, and for a statement that the specification does not allow.
    """
    if document["@context"] != f"{_CONTEXT}/{_VERSION}":
        raise InputError(f"OpenVEX of the context {str(document['@context'])[:60]!r} is not known here")
    issued = time(document, "timestamp")
    author = word(document, "author")
    found: list[Statement] = []
    for number, row in enumerate(rows(document, "statements"), 1):
        try:
            if not isinstance(row, dict):
                raise InputError("it is not a mapping")
            found += _statements(row, issued, author, source)
        except InputError as error:
            raise InputError(f"statement {number}: {error.brief}") from error
    return tuple(found)


def _statements(row: Mapping[str, Any], issued: str, author: str, source: str) -> Iterator[Statement]:
    weakness = mapping(row, "vulnerability")
    name = word(weakness, "name")
    status = word(row, "status")
    why = word(row, "justification")
    note = text(row, "impact_statement")
    if not name:
        raise InputError("it names no vulnerability")
    if status not in _STATUSES:
        raise InputError(f"{status!r} is no status")
    if why and why not in _JUSTIFICATIONS:
        raise InputError(f"{why!r} is no justification")
    if status == "not_affected" and not why and not note.strip():
        raise InputError("not_affected needs a justification or an impact_statement")
    products: list[dict[str, Any] | None] = [*mappings(row, "products")]
    for product in products or [None]:
        yield Statement(
            (name, *words(weakness, "aliases")),
            cast("Status", status),
            () if product is None else (_name(product),),
            tuple(_name(part) for part in mappings(product or {}, "subcomponents")),
            why,
            note or text(row, "status_notes"),
            author,
            time(row, "last_updated") or time(row, "timestamp") or issued,
            source,
        )


def _name(part: Mapping[str, Any]) -> str:
    """The most exact of the names that can be compared: images have digests, of packages nobody knows any.

    A hash means one single thing: where no purl says which version that is, a name without one would mean more. Other
    identifiers (CPE) and hashes name what no image is known to hold.
    """
    hashes, others = mapping(part, "hashes"), mapping(part, "identifiers")
    own = word(part, "@id")
    purl = word(others, "purl") or (own if own.startswith("pkg:") else "")
    exact = "@" in purl.partition("?")[0]
    kind = "sha-256" if "sha-256" in hashes else min(hashes, default="")
    if hashes and (not exact or (kind == "sha-256" and purl.startswith("pkg:oci/"))):
        return f"{kind.replace('sha-', 'sha')}:{word(hashes, kind)}"
    other = min(others, default="")
    found = purl or own or (f"{other}:{word(others, other)}" if other else "")
    if not found:
        raise InputError("a product has neither an id nor a purl")
    return found
