"""Deletions whose objects are moved by durable tasks.

The state of the record, in the database of the records, decides what has to be done; a task only does it. So there is no moment in
which a record is decided on but has no task for good: who starts looks for such records, and looks again from time to time.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar, cast

from slipway.errors import SlipwayError, UsageError
from slipway.service.artifacts.manifest import ManifestError
from slipway.service.artifacts.model import MissingError
from slipway.service.deletion import manifests, places, states
from slipway.service.deletion.ids import Name, name_of
from slipway.service.deletion.model import Task
from slipway.service.deletion.moves import PAUSES
from slipway.service.deletion.retention import sweep
from slipway.service.deletion.sweeping import Sweeper
from slipway.service.deletion.work import STATE, Worker
from slipway.service.model import GONE, LIVE, Image, Link, Recipe
from slipway.service.records.errors import StaleError
from slipway.service.records.query import Filter, Query
from slipway.service.records.rows import kind_of
from slipway.service.tasks.durable import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.deletion.model import Verb
    from slipway.service.deletion.states import Linked
    from slipway.service.model import Actor, Record, State
    from slipway.service.records.store import Records
    from slipway.service.records.tx import Tx
    from slipway.service.settings import ServiceSettings
    from slipway.service.tasks.model import Data, Seen

R = TypeVar("R", bound="Record")
_VERBS: Final[dict[str, Verb]] = {state: verb for verb, state in STATE.items()}
_WORK: Final = "objects"
_LOG: Final = logging.getLogger(__name__)
_LOOK: Final = 30.0  # seconds between looks for what other processes left


class DurableDeletion:
    """`clock` gives seconds since 1970. `workers` records at a time, `pauses` (seconds) before what failed is tried again.

    `StoreError` when the tasks cannot be kept. A process can have one of these.
    """

    def __init__(
        self,
        records: Records,
        artifacts: Artifacts,
        settings: ServiceSettings,
        clock: Callable[[], float] = time.time,
        *,
        workers: int = 8,
        pauses: Sequence[float] = PAUSES,
        sweeping: float = 3600,
    ) -> None:
        self._records, self._artifacts, self._settings, self._clock = records, artifacts, settings, clock
        self._settled = threading.Condition()
        self._fed: queue.SimpleQueue[Name | None] = queue.SimpleQueue()
        worker = Worker(records, artifacts, settings, self._notify, pauses)
        self._tasks = Tasks(records.url, {_WORK: worker}, workers=workers)
        self._feeder = threading.Thread(target=self._feed, name="deletions", daemon=True)
        self._feeder.start()
        self._sweeper = Sweeper(self.sweep, sweeping)

    def delete(self, record: R, actor: Actor) -> R:
        return cast("R", self.delete_all([record], actor)[0])

    def delete_all(self, records: Sequence[Record], actor: Actor) -> list[Record]:
        bucket = self._settings.images_bucket

        def work(tx: Tx) -> list[Record]:
            current = [_current(tx, record, LIVE) for record in records]
            return [tx.replace(states.deleting(each, tx.now, bucket), actor, "deleted") for each in current]

        return self._begun(self._records.write(work))

    def undelete(self, record: R, actor: Actor) -> R:
        return cast("R", self.undelete_all([record], actor)[0])

    def undelete_all(self, records: Sequence[Record], actor: Actor) -> list[Record]:
        origins = {record.id: self._origin(record) for record in records}

        def work(tx: Tx) -> list[Record]:
            current = [_current(tx, record, ("deleting", "deleted")) for record in records]
            after = [states.undeleting(each, origins[each.id]) for each in current]
            return [tx.replace(each, actor, "undeleted") for each in after]

        return self._begun(self._records.write(work))

    def purge(self, record: Record, actor: Actor, *, objects: bool = True) -> None:
        self.purge_all([record], actor, objects=objects)

    def purge_all(self, records: Sequence[Record], actor: Actor, *, objects: bool = True) -> None:
        def work(tx: Tx) -> list[Record]:
            moving: list[Record] = []
            for record in records:
                current = _current(tx, record, (*LIVE, *GONE))
                found = states.linked(current)
                if found is None or not objects:
                    tx.remove(current, actor)
                else:
                    moving.append(tx.replace(states.purging(found, tx.now), actor, "purged"))
            return moving

        self._begun(self._records.write(work))

    def wait(self, record: Record, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while True:
            with self._settled:
                if self._rests(record):
                    return True
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._settled.wait(min(left, 0.25))  # another process may have done it

    def tasks(self, record: str = "", *, limit: int = 1000) -> list[Task]:
        lanes = [Name(kind, record, "delete").lane for kind in ("recipe", "image")] if record else [""]
        found = [each for lane in lanes for each in self._tasks.seen(lane, limit=limit)]
        tasks = [task for each in found if (task := self._task(each)) is not None]
        return [task for task in tasks if record in ("", task.record)]

    def retry(self, task: str) -> Task:
        name = name_of(task)
        again = None if name is None else self._again(name)
        if again is None:
            raise UsageError(f"there is nothing to do for the task {task[:200]!r}")
        self._add(again)
        return Task(str(again), again.verb, again.kind, again.record, "waiting")

    def reconcile(self, *, failed: bool = False) -> int:
        """See to it that each record whose objects are to be moved has a task, and return how many had none.

        `failed` is whether one that failed counts as none.
        """
        self._tasks.adopt()
        live = {
            (name.kind, name.record)
            for each in self._tasks.seen(unfinished=True)
            if (name := name_of(each.id))
        }
        count = 0
        for name in self._moving():
            if (name.kind, name.record) in live:
                continue
            before = self._tasks.seen(name.prefix)
            if failed or not before or before[0].status != "failed":
                self._add(replace(name, attempt=len(before)))
                count += 1
        return count

    def sweep(self) -> dict[str, int]:
        """Remove for ever what is kept no longer: deleted records, events, uploads, tasks that ended, leftovers of the storage. Counts of each."""
        counts = sweep(self._records, self._artifacts, self._settings, self.purge_all, self._clock())
        return {**counts, "tasks": self._tasks.forget(int((self._clock() - 30 * 86400) * 1_000_000))}

    def close(self) -> None:
        self._sweeper.close()
        self._fed.put(None)
        self._feeder.join()
        self._tasks.close()

    def _begun(self, records: list[Record]) -> list[Record]:
        for record in records:
            if record.state in states.MOVING:
                self._fed.put(_name(record))
        return records

    def _origin(self, record: Record) -> Link | None:
        """The link from before of one that was deleted elsewhere; `InputError` for an image whose deleted manifest cannot be read."""
        found = states.linked(record)
        if found is None or found.link is None or found.state != "deleted":
            return None
        if isinstance(found, Recipe):
            return found.home or replace(found.link, path=places.back(found.link.path))
        try:
            listed = manifests.read(self._artifacts, found.link.path, self._settings.manifest_limit)
        except MissingError as error:
            raise ManifestError(error.brief) from error
        return found.home or manifests.home(self._artifacts, found.link.path, listed)

    def _feed(self) -> None:
        """Hand tasks to DBOS: outside of requests, which may be many and may come from an event loop."""
        looked = float("-inf")
        while True:
            now = time.monotonic()
            try:
                if now - looked >= _LOOK:
                    first, looked = looked < 0, now
                    self.reconcile(failed=first)
                name = self._fed.get(timeout=_LOOK)
                if name is None:
                    return
                self._add(name)
            except queue.Empty:
                continue
            except SlipwayError as error:  # the database or the storage is away: it is looked at again later
                _LOG.warning("%s", error.brief)

    def _add(self, name: Name) -> None:
        argument = {"verb": name.verb, "kind": name.kind, "id": name.record}
        self._tasks.add(str(name), name.lane, _WORK, argument)

    def _again(self, name: Name) -> Name | None:
        """The next attempt for the record, None when it is done or under way."""
        record = next((each for each in self._found(name) if each.state == STATE[name.verb]), None)
        if record is None or self._tasks.seen(name.lane, unfinished=True):
            return None
        now = _name(record)
        return replace(now, attempt=len(self._tasks.seen(now.prefix)))

    def _found(self, name: Name) -> list[Linked]:
        kind: type[Linked] = Recipe if name.kind == "recipe" else Image
        found = [self._records.get(kind, name.record, gone=gone) for gone in (False, True)]
        return [each for each in found if each is not None]

    def _moving(self) -> Iterator[Name]:
        for kind in (Recipe, Image):
            for gone in (False, True):
                query = Query((Filter("state", states.MOVING),), gone=gone, limit=500)
                while True:
                    page = self._records.page(kind, query)
                    yield from (_name(record) for record in page.records)
                    if page.last is None:
                        break
                    query = replace(query, after=page.last)

    def _rests(self, record: Record) -> bool:
        found = [self._records.get(type(record), record.id, gone=gone) for gone in (False, True)]
        return not any(each.state in states.MOVING for each in found if each is not None)

    def _notify(self) -> None:
        with self._settled:
            self._settled.notify_all()

    def _task(self, seen: Seen) -> Task | None:
        name = name_of(seen.id)
        if name is None:
            return None
        result = seen.result
        if seen.status in ("running", "failed"):
            result = _progress(self._tasks.steps(seen.id))
        return Task(
            seen.id,
            name.verb,
            name.kind,
            name.record,
            seen.status,
            int(result.get("objects", 0)),
            int(result.get("moved", 0)),
            seen.begun,
            seen.ended,
            seen.problem or str(result.get("problem", "")),
        )


def _name(record: Record) -> Name:
    return Name(kind_of(type(record)), record.id, _VERBS[record.state], record.version)


def _current(tx: Tx, record: R, states_: tuple[State, ...]) -> R:
    """The record as it is now; `StaleError` when anything but the moving of its objects has changed it, or it is in another state."""
    now = tx.get(type(record), record.id)
    if now is None or now.state not in states_ or (now.state in GONE) != (record.state in GONE):
        raise StaleError(kind_of(type(record)), record.id)
    if now.version != record.version and _constant(now) != _constant(record):
        raise StaleError(kind_of(type(record)), record.id)
    return now


def _constant(record: R) -> R:
    """Without what moving changes."""
    record = replace(record, version=0, state="live", deleted=0)
    return replace(record, link=None, home=None) if isinstance(record, Recipe | Image) else record


def _progress(steps: Sequence[tuple[str, Data]]) -> Data:
    """Counts of a task that has not ended, or not well."""
    plan = next((result for name, result in steps if name == "plan"), {})
    moved = sum(bool(result.get("moved")) for name, result in steps if name in ("move", "remove"))
    objects = len(plan.get("moves") or plan.get("paths") or ())
    return {"objects": objects, "moved": moved, "problem": plan.get("kept", "")}
