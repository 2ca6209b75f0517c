"""Mappings with a closed set of keys: the recipe itself and the parts that have keys of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.recipe.kinds import Field, Kind, Refused, Report, suggestion
from slipway.recipe.nodes import Map, Node, Scalar, describe
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_MANY = 100


def record(
    label: str,
    fields: tuple[Field, ...],
    *,
    closed: bool = True,
    exclusive: tuple[tuple[str, str, str], ...] = (),
) -> Kind[dict[str, Any]]:
    """A mapping with the keys of `fields`; the value has the keys that were given.

    Other keys are refused, or passed over if it is not `closed`. `exclusive` are pairs of keys that must not come
    together, with what both would say.
    """
    known = {field.name: field for field in fields}

    def read(node: Node, report: Report) -> dict[str, Any]:
        if not isinstance(node, Map):
            raise Refused(f"must be {label}, not {describe(node)}")
        given = {key.value: key for key, _ in node.entries}
        values: dict[str, Any] = {}
        with report.complete():
            for key, child in node.entries:
                if field := known.get(key.value):
                    values[field.name] = report.attempt(field.kind, child, key)
                elif closed:
                    _refuse_key(key, report, known)
            for first, second, what in exclusive:
                if first in given and second in given:
                    later_key = max(given[first], given[second], key=lambda key: key.at)
                    report.add(later_key, f"`{first}` and `{second}` both say {what}", "keep one of them")
            for field in fields:
                if field.required and field.name not in given:
                    shown = f'"{field.example}"' if str(field.example).startswith("%") else field.example
                    report.add(node, f"`{field.name}` is missing", f"for example: {field.name}: {shown}")
        return values

    return Kind(label, lambda: _schema(fields, exclusive, closed=closed), read, fields)


def _refuse_key(key: Scalar, report: Report, known: Mapping[str, Field]) -> None:
    hint = ""
    if len(report.problems) < _MANY:  # searching takes time, and nobody reads that many hints
        hint = suggestion(key.value, known) or f"known keys: {', '.join(known)}"
    report.add(key, f"unknown key {quote(key.value)}", hint)


def _schema(
    fields: tuple[Field, ...], exclusive: tuple[tuple[str, str, str], ...], *, closed: bool
) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": not closed,
        "properties": {
            field.name: {
                "description": field.doc + (f" Default: {field.default}." if field.default else ""),
                "examples": [field.example],
                **field.kind.schema,
            }
            for field in fields
        },
    }
    if required := [field.name for field in fields if field.required]:
        schema["required"] = required
    if exclusive:
        schema["allOf"] = [{"not": {"required": [first, second]}} for first, second, _ in exclusive]
    return schema
