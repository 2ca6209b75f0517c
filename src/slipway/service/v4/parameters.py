"""Parameters of requests, as the documentation describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.service.v4.listing import LARGEST, METADATA_KEY, OPERATORS, TIMES, USUAL
from slipway.service.v4.openapi import IF_NONE_MATCH, Parameter, empty, header, query
from slipway.service.v4.schemas import FIELDS

if TYPE_CHECKING:
    from slipway.service.v4.resources import Resource

SAME: Final = empty("The same as what the client has")
# also a date alone, and times without an offset
MOMENT: Final = {"type": "string", "examples": ["2026-11-21T10:00:00Z"]}
WORD: Final = {"type": "string", "pattern": r"^[^\x00]*$"}
AFTER: Final = query(
    "after",
    {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    "The number of the last change that is known",
)
LAST: Final = header(
    "Last-Event-ID",
    "The same, as browsers send it when they come back",
    {"type": "string", "pattern": "^[0-9]{1,18}$"},
)
_FILTERED: Final = {
    "": "any of these",
    "!": "none of these",
    "~": "holding this, in upper or lower case",
    "^": "beginning so",
}
DIGESTS: Final = (
    header(
        "Content-MD5",
        "What the body has to be (RFC 1864)",
        {"type": "string", "pattern": "^[A-Za-z0-9+/]{22}==$"},
    ),
    header("Repr-Digest", "What the body has to be (RFC 9530): `sha-256=:BASE64:`"),
)


def limit() -> Parameter:
    return query(
        "limit", {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": USUAL}, "The most on a page"
    )


def fields(resource: Resource) -> Parameter:
    schema = {"type": "array", "items": {"enum": sorted(FIELDS[resource.kind])}}
    return query("fields", schema, "Only these", style="form", explode=False)


def filters(resource: Resource) -> tuple[Parameter, ...]:
    order = [f"{sign}{name}" for name in resource.sort for sign in ("", "-")]
    out = [
        limit(),
        query("cursor", {"type": "string"}, "`next` of the page before, with the same filters and order"),
        query(
            "sort",
            {"type": "array", "items": {"enum": order}},
            "By these fields, with `-` downwards; several with commas between",
            style="form",
            explode=False,
        ),
        fields(resource),
        query(
            "count", {"type": "boolean", "default": False}, "Tell how many there are on all pages together"
        ),
        query("deleted", {"type": "boolean", "default": False}, "The deleted ones instead"),
    ]
    for name, (_, kind) in resource.filters.items():
        if kind == "flag":
            out.append(query(name, {"type": "boolean"}, "Only those"))
            continue
        for sign in OPERATORS if kind == "text" else ("", "!"):
            single = sign in ("~", "^")
            schema: dict[str, Any] = WORD if single else {"type": "array", "items": WORD}
            out.append(query(f"{name}{sign}", schema, f"{name}: {_FILTERED[sign]}"))
    out += [query(name, MOMENT, f"{name.replace('_', ' ')} this time") for name in TIMES]
    if resource.kind == "image":
        values = {
            "type": "object",
            "propertyNames": {"pattern": METADATA_KEY},
            "additionalProperties": {"anyOf": [WORD, {"type": "array", "items": WORD}]},
        }
        out.append(
            query(
                "metadata",
                values,
                "With these values; `metadata.KEY=VALUE` means the same",
                style="deepObject",
                explode=True,
            )
        )
    return (*out, IF_NONE_MATCH)
