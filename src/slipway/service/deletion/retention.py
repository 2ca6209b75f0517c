"""What is kept no longer: records that were deleted long ago, old events, uploads that stopped, and leftovers of the storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import sqlalchemy as sa

from slipway.service.model import SYSTEM, Image, PublicKey, Recipe
from slipway.service.records.errors import StaleError
from slipway.service.records.query import Filter, Query
from slipway.service.records.tables import events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.model import Actor, Record
    from slipway.service.records.store import Records
    from slipway.service.records.tx import Tx
    from slipway.service.settings import ServiceSettings

_PIECE: Final = 200  # in one transaction: writers shall not wait long


@runtime_checkable
class Sweepable(Protocol):
    """A storage that may have leftovers."""

    def sweep(self) -> int: ...


def sweep(
    records: Records,
    artifacts: Artifacts,
    settings: ServiceSettings,
    purge: Callable[[Sequence[Record], Actor], None],
    now: float,
) -> dict[str, int]:
    """How many `records`, `events`, leftover `files` and `uploads` were removed. `now` in seconds since 1970; a period of 0 is for ever."""
    counts = {"records": 0, "events": 0, "files": 0, "uploads": 0}
    if settings.keep_deleted > 0:
        counts["records"] = _records(records, purge, int((now - settings.keep_deleted) * 1_000_000))
    if settings.keep_events > 0:
        counts["events"] = _events(records, int((now - settings.keep_events) * 1_000_000))
    if isinstance(artifacts, Sweepable):
        counts["files"] = artifacts.sweep()
    if settings.keep_uploads > 0:
        counts["uploads"] = artifacts.give_up(now - settings.keep_uploads)
    return counts


def _records(records: Records, purge: Callable[[Sequence[Record], Actor], None], before: int) -> int:
    count = 0
    filters = (Filter("state", ("deleted",)), Filter("deleted", (before,), "before"))
    for kind in (PublicKey, Recipe, Image):
        while found := records.page(kind, Query(filters, gone=True, limit=_PIECE)).records:
            try:
                purge(found, SYSTEM)
            except StaleError:
                break  # somebody is at one of them: the next sweep finds what is left
            count += len(found)
    return count


def _events(records: Records, before: int) -> int:
    def work(tx: Tx) -> int:
        oldest = (
            sa.select(events.c.stamp).where(events.c.time < before).order_by(events.c.stamp).limit(_PIECE)
        )
        return int(tx.connection.execute(sa.delete(events).where(events.c.stamp.in_(oldest))).rowcount)

    count = 0
    while done := records.write(work):
        count += done
    return count
