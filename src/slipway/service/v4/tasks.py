"""What moves objects in the background: looking at it, and beginning it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.service.auth.roles import allowed
from slipway.service.v4 import answers, views
from slipway.service.v4.access import actor_of, need
from slipway.service.v4.problems import Fault, invalid, missing, refused
from slipway.service.v4.resources import BY_KIND

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from slipway.service.deletion.model import Task
    from slipway.service.model import Actor
    from slipway.service.v4.context import Context

_STATUSES = ("waiting", "running", "done", "failed")


class Tasks:
    """A task is for those to see who see its record; of one that is gone for ever, those who see all projects."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def every(self, request: Request) -> Response:
        query = request.query_params
        faults = [
            Fault("there is no such parameter", parameter=n[:100])
            for n in query
            if n not in ("record", "status")
        ]
        statuses = query.getlist("status")
        faults += [
            Fault("there is no such status", parameter="status") for s in statuses if s not in _STATUSES
        ]
        record = query.get("record", "")
        if "\0" in record or len(query.getlist("record")) > 1:
            faults.append(Fault("one id is needed", parameter="record"))
        if faults:
            raise invalid(faults, "some parameters cannot be taken")
        found = await self.context.run(self._found, actor_of(request), record)
        items = [views.task(each) for each in found if not statuses or each.status in statuses]
        return answers.answer(views.encoded({"items": items}))

    async def get(self, request: Request) -> Response:
        task = await self.context.run(self._need, actor_of(request), request.path_params["id"])
        return answers.answer(views.encoded(views.task(task)))

    async def retry(self, request: Request) -> Response:
        """The new task. 409 when there is nothing to do."""
        task = await self.context.run(self._retry, actor_of(request), request.path_params["id"])
        location = f"{answers.base(request)}/tasks/{task.id}"
        return answers.answer(views.encoded(views.task(task)), 202, {"location": location})

    def _found(self, actor: Actor, record: str) -> list[Task]:
        return [each for each in self.context.service.deletion.tasks(record) if self._may_see(actor, each)]

    def _need(self, actor: Actor, name: str) -> Task:
        for task in self._found(actor, _record(name)):
            if task.id == name:
                return task
        raise missing("task", name)

    def _retry(self, actor: Actor, name: str) -> Task:
        task = self._need(actor, name)
        need(actor, "write", self._project(task) or "*")
        try:
            return self.context.service.deletion.retry(task.id)
        except UsageError as error:
            raise refused(409, error.brief, code="nothing-to-do") from None

    def _may_see(self, actor: Actor, task: Task) -> bool:
        if allowed(actor, "read", "*"):
            return True
        project = self._project(task)
        return bool(project) and allowed(actor, "read", project)

    def _project(self, task: Task) -> str:
        records, cls = self.context.service.records, BY_KIND[task.kind].cls
        record = records.get(cls, task.record) or records.get(cls, task.record, gone=True)
        return record.project if record else ""


def _record(task: str) -> str:
    """The id of the record that the task is for, as far as its name tells; empty: it has to be looked for among all."""
    parts = task.split(".")
    return parts[1] if len(parts) == 5 else ""
