"""JSON Schemas (draft 2020-12, as OpenAPI 3.1 uses them) in words, as rows of a table, and as an example."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.service.apipage.prose import prose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

_DEEP: Final = 4  # levels of what is in what: schemas may hold themselves
_SAMPLES: Final[dict[str, Any]] = {
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "date-time": "2026-11-20T21:38:00Z",
    "uri": "https://example.org/",
}
_EMPTY: Final[dict[str, Any]] = {"integer": 0, "number": 0, "boolean": False, "string": "text", "null": None}


@dataclass(frozen=True, slots=True)
class Row:
    """`name` is the way to the field, with dots, and `[]` for items of a list."""

    name: str
    kind: str
    required: bool
    text: Markup


def resolved(document: dict[str, Any], value: object) -> dict[str, Any]:
    """What a local `$ref` leads to; anything else as it is."""
    here = _object(value)
    for _ in range(10):
        reference = here.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        here = document
        for part in reference[2:].split("/"):
            here = _object(here.get(part.replace("~1", "/").replace("~0", "~")))
    return here


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(document: dict[str, Any], given: object) -> dict[str, Any]:
    """The schema with what it is made of (`allOf`) put together, and the first of its alternatives that is not null."""
    schema = resolved(document, given)
    for part in schema.get("allOf", ()):
        inner = _plain(document, part)
        merged = {**inner.get("properties", {}), **schema.get("properties", {})}
        needed = [*inner.get("required", ()), *schema.get("required", ())]
        schema = {**inner, **schema, "properties": merged, "required": needed}
    for name in ("anyOf", "oneOf"):
        choices = [resolved(document, each) for each in schema.get(name, ())]
        for choice in [each for each in choices if each.get("type") != "null"][:1]:
            rest = {key: value for key, value in schema.items() if key != name}
            schema = {**_plain(document, choice), **rest}
    return schema


def words(document: dict[str, Any], schema: Any) -> str:
    """The type, short: `string (uuid) or null`, `list of string`, `a | b`."""
    whole = resolved(document, schema)
    plain = _plain(document, whole)
    names = plain.get("type", "object" if "properties" in plain else "")
    kinds = list(names) if isinstance(names, list) else [str(names)]
    choices = [resolved(document, each) for name in ("anyOf", "oneOf") for each in whole.get(name, ())]
    nullable = "null" in kinds or any(each.get("type") == "null" for each in choices)
    kind = next((each for each in kinds if each != "null"), "null")
    if "const" in plain:
        text = json.dumps(plain["const"])
    elif "enum" in plain:
        text = " | ".join(str(each) for each in plain["enum"] if each is not None)
    elif kind == "array":
        text = f"list of {words(document, plain.get('items', {}))}"
    elif kind == "object" and isinstance(plain.get("additionalProperties"), dict):
        text = f"{words(document, plain['additionalProperties'])} by name"
    else:
        text = f"{kind or 'any'}" + (f" ({plain['format']})" if "format" in plain else "")
    return f"{text} or null" if nullable and text != "null" else text


def rows(document: dict[str, Any], schema: Any, before: str = "", deep: int = 0) -> Iterator[Row]:
    """The fields of an object, or of the objects in a list, and of what is in them."""
    plain = _plain(document, schema)
    if plain.get("type") == "array":
        yield from rows(document, plain.get("items", {}), f"{before}[]", deep)
        return
    for name, inner in plain.get("properties", {}).items():
        way = f"{before}.{name}" if before else name
        told = _plain(document, inner)
        text = str(told.get("description", ""))
        default = f" Default: `{json.dumps(told['default'])}`." if "default" in told else ""
        yield Row(
            way, words(document, inner), name in plain.get("required", ()), prose(f"{text}{default}".strip())
        )
        if deep < _DEEP:
            yield from rows(document, inner, way, deep + 1)


def example(document: dict[str, Any], schema: Any, given: Any = None) -> str:
    """The document's own example, or one made from the schema, as JSON with indentation."""
    value = _sample(document, schema, 0) if given is None else given
    return json.dumps(value, indent=2, ensure_ascii=False)


def _sample(document: dict[str, Any], schema: Any, deep: int) -> Any:
    plain = _plain(document, schema)
    if "example" in plain:
        return plain["example"]
    for name in ("examples", "enum"):
        if plain.get(name):
            return plain[name][0]
    for name in ("const", "default"):
        if name in plain:
            return plain[name]
    names = plain.get("type", "object" if "properties" in plain else "string")
    kind = next((each for each in names if each != "null"), "null") if isinstance(names, list) else names
    if kind == "object":
        # what need not be said is left out, where something has to be
        inner, needed = plain.get("properties", {}), plain.get("required", ())
        wanted = [name for name in inner if name in needed] or list(inner)
        return {name: _sample(document, inner[name], deep + 1) for name in wanted} if deep < _DEEP else {}
    if kind == "array":
        return [_sample(document, plain.get("items", {}), deep + 1)] if deep < _DEEP else []
    return _SAMPLES.get(str(plain.get("format", "")), _EMPTY.get(kind))
