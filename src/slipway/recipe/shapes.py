"""Kinds that are made of others: lists, mappings with free keys, and values that can be written in two shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from slipway.recipe.kinds import Field, Kind, Refused
from slipway.recipe.nodes import Map, Node, Scalar, Seq, describe
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.recipe.kinds import Report

T = TypeVar("T")


def listing(
    item: Kind[T], label: str, *, unique: Callable[[T], str] | None = None, what: str = "item"
) -> Kind[tuple[T, ...]]:
    """A list; with `unique`, two items for which it gives the same are refused, naming the line of the first.

    `what` is the thing that must not come twice.
    """

    def read(node: Node, report: Report) -> tuple[T, ...]:
        if not isinstance(node, Seq):
            raise Refused(f"must be {label}, not {describe(node)}", "start each item with `- `")
        values: list[T] = []
        seen: dict[str, Node] = {}
        with report.complete():
            for child in node.items:
                value = report.attempt(item, child)
                if value is None:
                    continue
                values.append(value)
                if unique and (first := seen.setdefault(unique(value), child)) is not child:
                    line = report.where(first).line
                    report.add(child, f"{what} {quote(unique(value))} comes twice, first on line {line}")
        return tuple(values)

    return Kind(label, lambda: {"type": "array", "items": item.schema}, read, _inside(item))


def mapping(key: Kind[str], item: Kind[T], label: str) -> Kind[tuple[tuple[str, T], ...]]:
    """A mapping with free keys, as pairs in written order."""

    def read(node: Node, report: Report) -> tuple[tuple[str, T], ...]:
        if not isinstance(node, Map):
            raise Refused(f"must be {label}, not {describe(node)}", "write `KEY: value`, one per line")
        pairs = []
        with report.complete():
            for name, child in node.entries:
                good_name = report.attempt(key, name)
                value = report.attempt(item, child, name)
                if good_name is not None and value is not None:
                    pairs.append((good_name, value))
        return tuple(pairs)

    return Kind(
        label,
        lambda: {"type": "object", "additionalProperties": item.schema, "propertyNames": key.schema},
        read,
        _inside(item),
    )


def _inside(item: Kind[Any]) -> tuple[Field, ...]:
    """The keys of the items of a list or mapping, as the reference names them."""
    return tuple(field._replace(name=f"*.{field.name}") for field in item.fields)


def by_shape(scalar: Kind[T], other: Kind[T]) -> Kind[T]:
    """Two ways to write one value, told apart by whether it is a single text."""
    label = f"{scalar.label} or {other.label}"

    def read(node: Node, report: Report) -> T:
        return (scalar if isinstance(node, Scalar) else other).read(node, report)

    return Kind(label, lambda: {"anyOf": [scalar.schema, other.schema]}, read, other.fields)
