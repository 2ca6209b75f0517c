"""Questions about many records: filters, order, and pages that stay right while records come and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from slipway.errors import UsageError
from slipway.service.model import GONE, LIVE
from slipway.service.records.rows import table_of

if TYPE_CHECKING:
    from slipway.service.model import Record

Operator = Literal["is", "not", "contains", "starts", "before", "after"]


@dataclass(frozen=True, slots=True)
class Filter:
    """`field` is a column, or `metadata.KEY` of images. `is` and `not` take several values (any of them)."""

    field: str
    values: tuple[str | int | bool, ...]
    operator: Operator = "is"


@dataclass(frozen=True, slots=True)
class Query:
    """`sort` are columns, with `-` before those that go down; the id comes last by itself. `after` is the `last` of the page before.

    `projects` None: of all.
    """

    filters: tuple[Filter, ...] = ()
    sort: tuple[str, ...] = ("created",)
    limit: int = 100
    after: tuple[Any, ...] | None = None
    gone: bool = False
    projects: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`last` is where the next page begins, None on the last page."""

    records: tuple[Record, ...]
    last: tuple[Any, ...] | None = None


def statement(kind: type[Record], query: Query) -> sa.Select[Any]:
    """One row more than the limit is asked for, to know whether there is more. `UsageError` for fields that are not there."""
    table = table_of(kind)
    select = sa.select(table).where(*_conditions(table, query))
    keys = [(_sortable(table, name), down) for name, down in order(query)]
    if query.after is not None:
        select = select.where(_beyond(keys, query.after))
    ordered = [column.desc() if down else column.asc() for column, down in keys]
    return select.order_by(*ordered).limit(query.limit + 1)


def total(kind: type[Record], query: Query) -> sa.Select[Any]:
    """How many there are on all pages together, as `number`."""
    table = table_of(kind)
    return sa.select(sa.func.count().label("number")).select_from(table).where(*_conditions(table, query))


def order(query: Query) -> tuple[tuple[str, bool], ...]:
    """The columns to sort by, and whether each goes down."""
    return (*((name.removeprefix("-"), name.startswith("-")) for name in query.sort), ("id", False))


def _conditions(table: sa.Table, query: Query) -> list[Any]:
    found = [table.c.state.in_(GONE if query.gone else LIVE)]
    if query.projects is not None:
        found.append(table.c.project.in_(sorted(query.projects)))
    return found + [condition(_column(table, each.field), each) for each in query.filters]


def _sortable(table: sa.Table, name: str) -> Any:
    column = _column(table, name)
    if "." in name or column.nullable:  # what may be missing has no place in an order
        raise UsageError(f"records cannot be sorted by {name!r}")
    return column


def _column(table: sa.Table, field: str) -> Any:
    name, _, key = field.partition(".")
    if key and name == "metadata" and name in table.c:
        return table.c["metadata"][key].as_string()
    if key or field not in table.c or isinstance(table.c[field].type, sa.JSON):
        raise UsageError(f"there is no field {field!r} to look for or sort by")
    return table.c[field]


def condition(column: Any, each: Filter) -> Any:
    if each.operator == "is":
        return column.in_(each.values)
    if each.operator == "not":
        return sa.or_(column.is_(None), column.not_in(each.values))
    [value] = each.values
    if each.operator == "contains":
        return column.icontains(value, autoescape=True)
    if each.operator == "starts":
        return column.startswith(value, autoescape=True)
    return column < value if each.operator == "before" else column > value


def _beyond(keys: list[tuple[Any, bool]], after: tuple[Any, ...]) -> Any:
    """All that comes behind `after` in this order: the first key is beyond, or it is equal and the second is, and so on."""
    if len(after) != len(keys):
        raise UsageError("the cursor does not belong to this order")
    cases = []
    for place, (column, down) in enumerate(keys):
        equal = [each == value for (each, _), value in zip(keys[:place], after, strict=False)]
        cases.append(sa.and_(*equal, column < after[place] if down else column > after[place]))
    return sa.or_(*cases)
