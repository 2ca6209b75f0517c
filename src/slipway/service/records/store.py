"""The records, for all who ask: reading at once, writing through the one writer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from slipway.errors import NotYetError
from slipway.service.model import GONE, LIVE, Event
from slipway.service.records.engine import address, connect
from slipway.service.records.errors import DatabaseError
from slipway.service.records.query import Page, Query, condition, order, statement, total
from slipway.service.records.rows import kind_of, of_row, table_of
from slipway.service.records.schema import migrate
from slipway.service.records.stamps import Stamps
from slipway.service.records.tables import TABLES, events
from slipway.service.records.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from types import TracebackType

    from sqlalchemy.engine import Engine

    from slipway.service.model import Kind, Record, State
    from slipway.service.records.query import Filter
    from slipway.service.records.tx import Tx

T = TypeVar("T")
R = TypeVar("R", bound="Record")


class Records:
    """All methods may be called from any thread. Each answer is of one moment; `DatabaseError` when the database cannot answer."""

    def __init__(self, readers: Engine, writer: Writer) -> None:
        self._readers = readers
        self._writer = writer
        self.url = readers.url  # may hold a password
        self._stamps = Stamps(readers)

    @property
    def quick(self) -> bool:
        """Whether `stamp` takes microseconds, so that an event loop may ask; another server would hold it up."""
        return self.url.get_backend_name() == "sqlite"

    @classmethod
    def open(cls, url: str, clock: Callable[[], float] = time.time) -> Records:
        """The database at that address (`engine.address`), its tables made or brought up to date."""
        parsed = address(url)
        writing = connect(parsed, writer=True)
        try:
            migrate(writing)
        except NotYetError:
            writing.dispose()
            raise
        except (SQLAlchemyError, OSError) as error:
            writing.dispose()
            shown = parsed.render_as_string(hide_password=True)
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise DatabaseError(f"the database {shown} cannot be used: {reason}") from error
        return cls(connect(parsed, writer=False), Writer(writing, clock))

    def close(self) -> None:
        self._writer.close()
        self._stamps.close()
        self._readers.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run the work in a transaction and wait until its result is on the disk; what it raises is raised here."""
        return self._writer.submit(work).result()

    def submit(self, work: Callable[[Tx], T]) -> Future[T]:
        return self._writer.submit(work)

    def get(self, kind: type[R], record: str, *, gone: bool = False) -> R | None:
        """The record with that id, among the deleted (`gone`) or among the others."""
        table = table_of(kind)
        query = sa.select(table).where(table.c.id == record, table.c.state.in_(GONE if gone else LIVE))
        found = self._records(kind, query)
        return found[0] if found else None

    def all(self, kind: type[R], *, gone: bool = False) -> list[R]:
        """In the order in which they were made."""
        table = table_of(kind)
        query = sa.select(table).where(table.c.state.in_(GONE if gone else LIVE))
        return self._records(kind, query.order_by(table.c.created, table.c.id))

    def page(self, kind: type[Record], query: Query) -> Page:
        found = self._records(kind, statement(kind, query))
        if len(found) <= query.limit:
            return Page(tuple(found))
        found = found[: query.limit]
        return Page(tuple(found), tuple(getattr(found[-1], name) for name, _ in order(query)))

    def count(self, kind: type[Record], query: Query) -> int:
        """How many records the question has on all pages together."""
        return int(self._rows(total(kind, query))[0]["number"])

    def counts(self) -> dict[tuple[Kind, State], int]:
        """How many records there are of each kind and state; those of which there are none are left out."""
        found: dict[tuple[Kind, State], int] = {}
        for kind, table in TABLES.items():
            query = sa.select(table.c.state, sa.func.count().label("number")).group_by(table.c.state)
            found |= {(kind, row["state"]): row["number"] for row in self._rows(query)}
        return found

    def stamp(self, kind: type[Record] | None = None) -> int:
        """The number of the last change of that kind (None: of any)."""
        return self._stamps.read(kind_of(kind) if kind else "")

    def changed(self, kind: type[R], since: int) -> tuple[list[R], list[str]]:
        """The records of all states that have changed after that number, and the ids of those that were removed for ever."""
        table = table_of(kind)
        records = self._records(kind, sa.select(table).where(table.c.stamp > since))
        query = sa.select(events.c.id).where(
            events.c.stamp > since, events.c.kind == kind_of(kind), events.c.action == "removed"
        )
        here = {record.id for record in records}
        return records, [row["id"] for row in self._rows(query) if row["id"] not in here]

    def events(
        self,
        after: int = 0,
        *,
        limit: int = 100,
        kind: type[Record] | None = None,
        record: str = "",
        projects: Iterable[str] | None = None,
        filters: Iterable[Filter] = (),
        newest: bool = False,
    ) -> list[Event]:
        """Changes after that number, the oldest first; or (`newest`) those before it (0: all), the newest first."""
        query = sa.select(events)
        if after or not newest:
            query = query.where(events.c.stamp < after if newest else events.c.stamp > after)
        query = query.where(*(condition(events.c[each.field], each) for each in filters))
        if kind is not None:
            query = query.where(events.c.kind == kind_of(kind))
        if record:
            query = query.where(events.c.id == record)
        if projects is not None:
            query = query.where(events.c.project.in_(sorted(projects)))
        order_by = events.c.stamp.desc() if newest else events.c.stamp
        return [Event(**row) for row in self._rows(query.order_by(order_by).limit(limit))]

    def check(self) -> None:
        """`DatabaseError` when the database cannot be read and written."""
        self.stamp()
        self.write(lambda tx: tx.stamp)

    def _records(self, kind: type[R], query: sa.Select[Any]) -> list[R]:
        return [of_row(kind, row) for row in self._rows(query)]

    def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        try:
            with self._readers.connect() as connection:
                return cast("list[dict[str, Any]]", list(connection.execute(query).mappings()))
        except DBAPIError as error:
            reason = (str(error.orig).strip().splitlines() or [""])[0]
            raise DatabaseError(f"the database does not answer: {reason}"[:300]) from error
