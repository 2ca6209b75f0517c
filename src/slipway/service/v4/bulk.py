"""Several changes as one: all of them in one transaction, or none.

Runners of jobs take no part in transactions. So where they have to be asked, the transaction is tried and rolled back first: what
it refuses is refused before any of them has begun, and what they refuse before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import SlipwayError
from slipway.service.deletion import states
from slipway.service.deletion.ids import Name
from slipway.service.deletion.places import back
from slipway.service.model import GONE
from slipway.service.v4 import answers, bodies, changes, etags, models, problems, views
from slipway.service.v4.access import actor_of, need
from slipway.service.v4.changes import Change
from slipway.service.v4.context import seen
from slipway.service.v4.problems import Problem, ProblemError, at, pointer, refused
from slipway.service.v4.replies import Reply, key_of
from slipway.service.v4.resources import BY_CLASS, BY_KIND

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from slipway.service.deletion.model import Verb
    from slipway.service.model import Actor, Record
    from slipway.service.records.tx import Tx
    from slipway.service.v4.context import Context
    from slipway.service.v4.models import Operation
    from slipway.service.v4.replies import Key, Replies
    from slipway.service.v4.resources import Resource

_VERBS: Final[dict[str, Verb]] = {"deleting": "delete", "undeleting": "undelete", "purging": "purge"}


class _TriedError(Exception):
    """Rolls a transaction back that would have come to be."""


@dataclass(frozen=True, slots=True)
class _Step:
    """`where` is the pointer to the operation."""

    asked: Operation
    change: Change
    where: str


class Bulk:
    def __init__(self, context: Context, replies: Replies) -> None:
        self.context, self.replies = context, replies

    async def run(self, request: Request) -> Response:
        actor = actor_of(request)
        content = await bodies.content(request, self.context.service.settings.request_limit)
        asked = bodies.checked(models.BulkIn, content)
        key = key_of(request, actor, views.encoded(content))
        if key is not None and (before := await self.context.write(lambda tx: self.replies.find(tx, key))):
            return answers.replied(before)
        reply = await self.context.run(self._run, actor, asked.operations, key, answers.base(request))
        return answers.replied(reply)

    def _run(self, actor: Actor, operations: list[Operation], key: Key | None, base: str) -> Reply:
        steps: list[_Step] = []
        moving: list[Record] = []
        try:
            self._prepare(actor, operations, steps)
            if any(step.change.begin for step in steps):
                if (before := self._try(steps, key, base)) is not None:
                    _undo(steps)
                    return before
                _begin(steps)
            reply, new = self.context.service.records.write(
                lambda tx: self._work(tx, steps, key, moving, base)
            )
        except BaseException:
            _undo(steps)
            raise
        if not new:
            _undo(steps)
            return reply
        for record in moving:
            self.context.service.deletion.retry(str(_task(record)))
        return reply

    def _prepare(self, actor: Actor, operations: list[Operation], steps: list[_Step]) -> None:
        """What asks others; with all problems that show here, not only the first."""
        found: list[tuple[int, Problem]] = []
        for index, asked in enumerate(operations):
            where = pointer(["operations", index])
            try:
                steps.append(_Step(asked, self._step(actor, asked, where), where))
            except (ProblemError, SlipwayError) as error:
                found.append((index, _problem(error)))
        if found:
            raise _failed(found)

    def _step(self, actor: Actor, asked: Operation, where: str) -> Change:
        resource = BY_KIND[asked.kind]
        inside = f"{where}/body"
        if asked.op == "create":
            if asked.id is not None:
                raise at(f"{where}/id", "ids are made by the service")
            return changes.create(
                self.context, actor, changes.model_of(resource, _body(asked, where), inside), inside
            )
        if asked.id is None:
            raise at(where, f"to {asked.op}, an id is needed")
        if asked.op == "patch":
            body = _body(asked, where)
            return changes.patch(self.context, actor, resource, asked.id, body, asked.if_match, inside)
        if not resource.soft:
            if asked.op == "undelete":
                raise at(f"{where}/op", f"a {resource.name} that was deleted is gone")
            return changes.remove(self.context, actor, resource, asked.id, asked.if_match)
        self.context.found(resource, asked.id, actor)
        return Change(lambda tx: self._apply(tx, actor, resource, asked))

    def _apply(self, tx: Tx, actor: Actor, resource: Resource, asked: Operation) -> Record | None:
        """Deleting and the like: the state decides, and a task does what it says."""
        now = seen(resource, str(asked.id), tx.get(resource.cls, str(asked.id)), actor)
        etags.expect(asked.if_match, etags.of_record(now))
        need(actor, "purge" if asked.op == "purge" else "write", now.project)
        if asked.op == "purge":
            linked = states.linked(now)
            if linked is None:
                tx.remove(now, actor)
                return None
            return tx.replace(states.purging(linked, tx.now), actor, "purged")
        if (asked.op == "delete") == (now.state in GONE):
            return now
        if asked.op == "delete":
            after = states.deleting(now, tx.now, self.context.service.settings.images_bucket)
            return tx.replace(after, actor, "deleted")
        _has_home(now)
        return tx.replace(states.undeleting(now, None), actor, "undeleted")

    def _try(self, steps: list[_Step], key: Key | None, base: str) -> Reply | None:
        """Refuse what the transaction would refuse, and change nothing. What was answered before, if it was."""

        def work(tx: Tx) -> Reply:
            reply, new = self._work(tx, steps, key, [], base)
            if new:
                raise _TriedError
            return reply

        try:
            return self.context.service.records.write(work)
        except _TriedError:
            return None

    def _work(
        self, tx: Tx, steps: list[_Step], key: Key | None, moving: list[Record], base: str
    ) -> tuple[Reply, bool]:
        if key is not None and (before := self.replies.find(tx, key)):
            return before, False
        results = []
        for index, step in enumerate(steps):
            try:
                record = step.change.apply(tx)
            except (ProblemError, SlipwayError) as error:
                raise _failed([(index, _problem(error))]) from error
            if record is not None and record.state in _VERBS:
                moving.append(record)
            results.append(_result(step.asked, record, base))
        reply = Reply(200, views.encoded({"results": results}))
        if key is not None:
            self.replies.keep(tx, key, reply)
        return reply, True


def _result(asked: Operation, record: Record | None, base: str) -> dict[str, Any]:
    shown = record if record is not None and record.state != "purging" else None
    moving = record is not None and record.state in _VERBS
    return {
        "op": asked.op,
        "kind": asked.kind,
        "id": record.id if record is not None else str(asked.id),
        "record": views.plain(shown) if shown else None,
        "etag": etags.of_record(shown) if shown else None,
        "task": f"{base}/tasks?record={record.id}" if moving and record else None,
    }


def _task(record: Record) -> Name:
    return Name(BY_CLASS[type(record)].kind, record.id, _VERBS[record.state], record.version)


def _has_home(record: Record) -> None:
    """409 for one whose own place only the deleted manifest tells: that cannot be asked in a transaction."""
    linked = states.linked(record)
    if linked is None or linked.link is None or linked.home is not None:
        return
    if back(linked.link.path) != linked.link.path:
        raise refused(409, "this was deleted elsewhere: undelete it by itself", code="alone")


def _body(asked: Operation, where: str) -> dict[str, Any]:
    if asked.body is None:
        raise at(where, f"to {asked.op}, a body is needed")
    return asked.body


def _begin(steps: list[_Step]) -> None:
    """First what can be undone."""
    for index, step in sorted(enumerate(steps), key=lambda each: each[1].change.undo is None):
        try:
            if step.change.begin is not None:
                step.change.begin()
        except ProblemError as error:
            raise _failed([(index, error.problem)]) from error


def _undo(steps: list[_Step]) -> None:
    for step in reversed(steps):
        if step.change.undo is not None:
            step.change.undo()


def _problem(error: ProblemError | SlipwayError) -> Problem:
    return error.problem if isinstance(error, ProblemError) else problems.of(error)


def _failed(found: list[tuple[int, Problem]]) -> ProblemError:
    """The first problem gives the status; all have their pointers, and `operations` tells them apart."""
    faults = []
    for index, problem in found:
        where = pointer(["operations", index])
        for fault in problem.faults or (problems.Fault(problem.detail),):
            inside = fault.pointer is not None and fault.pointer.startswith(where)
            faults.append(fault if inside else replace(fault, pointer=where))
    first = found[0][1]
    more = {"operations": [{"index": index, **problem.plain()} for index, problem in found]}
    detail = f"{len(found)} of the operations cannot be done, so none was"
    return ProblemError(Problem(first.status, detail, first.code, tuple(faults), {**first.more, **more}))
