"""What a piece of work may do inside a transaction; every change leaves an event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from slipway.service.model import GONE, LIVE, SYSTEM, Event
from slipway.service.records.errors import StaleError, TakenError
from slipway.service.records.rows import kind_of, of_row, table_of, to_row
from slipway.service.records.savepoints import savepoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from slipway.service.model import Actor, Record

R = TypeVar("R", bound="Record")


class Tx:
    """One work in a transaction that it may share with others: what it raises undoes its own changes only.

    `now` is in microseconds since 1970. `stamp` is the number of the last change.
    """

    def __init__(self, connection: Connection, stamp: int, now: int) -> None:
        self.connection = connection
        self.stamp = stamp
        self.now = now
        self.events: list[Event] = []

    def get(self, kind: type[R], record: str, *, gone: bool | None = None) -> R | None:
        """The record with that id: among the deleted, among the others, or (None) wherever it is."""
        table = table_of(kind)
        query = sa.select(table).where(table.c.id == record)
        if gone is not None:
            query = query.where(table.c.state.in_(GONE if gone else LIVE))
        row = self.connection.execute(query).mappings().first()
        return None if row is None else of_row(kind, cast("dict[str, Any]", row))

    def all(self, kind: type[R], *, gone: bool = False) -> list[R]:
        """In the order in which they were made."""
        table = table_of(kind)
        query = sa.select(table).where(table.c.state.in_(GONE if gone else LIVE))
        rows = self.connection.execute(query.order_by(table.c.created, table.c.id)).mappings()
        return [of_row(kind, cast("dict[str, Any]", row)) for row in rows]

    def by_link(self, kind: type[Record], path: str) -> str:
        """The id of the record (not deleted) that has this link, or empty."""
        table = table_of(kind)
        query = sa.select(table.c.id).where(table.c.link_path == path, table.c.state.in_(LIVE))
        return self.connection.execute(query).scalar() or ""

    def add(self, record: R, actor: Actor = SYSTEM, action: str = "created") -> R:
        """`TakenError` when its id or its link belongs to another."""
        kind = type(record)
        self._event(record, actor, action, {})
        table = table_of(kind)
        try:
            with savepoint(self.connection):
                self.connection.execute(sa.insert(table), {**to_row(record), "stamp": self.stamp})
        except IntegrityError as error:
            raise self._taken(record) from error
        return record

    def add_all(self, records: Iterable[Record], actor: Actor = SYSTEM, action: str = "created") -> None:
        """Many at once, and so much faster; who calls has seen that their ids and links are free."""
        rows: dict[type[Record], list[dict[str, Any]]] = {}
        for record in records:
            self._event(record, actor, action, {})
            rows.setdefault(type(record), []).append({**to_row(record), "stamp": self.stamp})
        for kind, listed in rows.items():
            self.connection.execute(sa.insert(table_of(kind)), listed)

    def replace(self, record: R, actor: Actor = SYSTEM, action: str = "changed") -> R:
        """Put `record` in the place of what was there, with the next version, which is returned.

        `StaleError` when the stored one is not of `record.version` any more; `TakenError` for a link of another.
        """
        kind = type(record)
        table = table_of(kind)
        before = self.get(kind, record.id)
        if before is None or before.version != record.version:
            raise StaleError(kind_of(kind), record.id)
        after = replace(record, version=record.version + 1)
        old, new = to_row(before), to_row(after)
        change = {name: new[name] for name in new if new[name] != old[name] and name != "version"}
        self._event(after, actor, action, change)
        try:
            with savepoint(self.connection):
                self.connection.execute(
                    sa.update(table).where(table.c.id == record.id), {**new, "stamp": self.stamp}
                )
        except IntegrityError as error:
            raise self._taken(record) from error
        return after

    def remove(self, record: Record, actor: Actor = SYSTEM, action: str = "removed") -> None:
        """For ever. `StaleError` when it is not there in this version any more."""
        kind = type(record)
        table = table_of(kind)
        found = self.connection.execute(
            sa.delete(table).where(table.c.id == record.id, table.c.version == record.version)
        )
        if found.rowcount != 1:
            raise StaleError(kind_of(kind), record.id)
        self._event(record, actor, action, {})

    def _event(self, record: Record, actor: Actor, action: str, change: dict[str, object]) -> None:
        self.stamp += 1
        self.events.append(
            Event(
                self.stamp,
                self.now,
                actor.name,
                action,
                kind_of(type(record)),
                record.id,
                record.project,
                change,
            )
        )

    def _taken(self, record: Record) -> TakenError:
        kind = kind_of(type(record))
        link = getattr(record, "link", None)
        if link is not None and (other := self.by_link(type(record), link.path)) not in ("", record.id):
            return TakenError(kind, "link", other)
        return TakenError(kind, "id", record.id)
