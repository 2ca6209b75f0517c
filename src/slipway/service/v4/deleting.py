"""Deleting, undeleting and purging single records, as far as a request takes part in it: the rest is a task."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from slipway.service.model import GONE
from slipway.service.records.errors import StaleError
from slipway.service.v4 import etags, views
from slipway.service.v4.access import need
from slipway.service.v4.problems import ProblemError, refused
from slipway.service.v4.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.service.model import Actor, Record
    from slipway.service.v4.context import Context
    from slipway.service.v4.resources import Resource

_TRIES = 8  # when others change the same record all the time


class Deleting:
    """Everything here blocks. `base` is where the API is mounted."""

    def __init__(
        self, context: Context, actor: Actor, resource: Resource, name: str, if_match: str | None, base: str
    ) -> None:
        self.context, self.actor, self.resource, self.name = context, actor, resource, name
        self.if_match, self.base = if_match, base

    def delete(self) -> Reply:
        """204, or 202 with the task while its objects are being moved. Deleting what is deleted changes nothing."""

        def act(record: Record) -> Record:
            need(self.actor, "write", record.project)
            if record.state in GONE:
                return record
            return self.context.service.deletion.delete(record, self.actor)

        return self._done(self._insist(act), "deleted")

    def undelete(self) -> Reply:
        """200 with the record, or 202 with the task."""

        def act(record: Record) -> Record:
            need(self.actor, "write", record.project)
            if record.state not in GONE:
                return record
            return self.context.service.deletion.undelete(record, self.actor)

        after = self._insist(act)
        reply = self._done(after, "live")
        if reply.status == 202:
            return reply
        record = self.context.found(self.resource, self.name, self.actor)
        return Reply(200, views.encoded(views.plain(record)), {"etag": etags.of_record(record)})

    def purge(self) -> Reply:
        """For ever, with its objects."""

        def act(record: Record) -> Record:
            need(self.actor, "purge", record.project)
            self.context.service.deletion.purge(record, self.actor)
            return record

        return self._done(self._insist(act), "")

    def _insist(self, act: Callable[[Record], Record]) -> Record:
        """The moving of objects changes records too: without a condition of the client's, that is no reason to give up."""
        for _ in range(_TRIES):
            record = self.context.found(self.resource, self.name, self.actor)
            etags.expect(self.if_match, etags.of_record(record))
            with suppress(StaleError):
                return act(record)
        raise refused(409, f"the {self.resource.name} is changed by others all the time; try again")

    def _done(self, record: Record, state: str) -> Reply:
        """`state` is the one in which its objects rest; empty: it is not there any more."""
        try:
            now = self.context.found(self.resource, self.name, self.actor).state
        except ProblemError:
            now = "purging" if self._left() else ""  # type: ignore[assignment]
        if now == state:
            return Reply(204)
        tasks = self.context.service.deletion.tasks(record.id)
        path = f"{self.base}/tasks/{tasks[0].id}" if tasks else f"{self.base}/tasks?record={record.id}"
        body = {"state": now, "task": path}
        return Reply(202, views.encoded(body), {"location": path})

    def _left(self) -> bool:
        records = self.context.service.records
        return any(records.get(self.resource.cls, self.name, gone=gone) for gone in (False, True))
