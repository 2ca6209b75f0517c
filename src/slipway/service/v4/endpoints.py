"""Where each endpoint is, and what its documentation says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Match, Route

from slipway.service.v4 import answers
from slipway.service.v4.bodies import MERGE
from slipway.service.v4.events import WORDS
from slipway.service.v4.openapi import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    Operation,
    Parameter,
    add,
    body,
    empty,
    json,
    query,
)
from slipway.service.v4.parameters import AFTER, LAST, MOMENT, SAME, WORD, fields, filters, limit
from slipway.service.v4.schemas import FIELDS, TEXT, obj, record_name
from slipway.service.v4.views import encoded

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

    from slipway.service.v4.bulk import Bulk
    from slipway.service.v4.events import Events
    from slipway.service.v4.records import Endpoints
    from slipway.service.v4.resources import Resource
    from slipway.service.v4.tasks import Tasks

_CHANGING: Final = (400, 404, 409, 412, 413, 415)
_MOVING: Final = json(
    obj({"state": TEXT, "task": TEXT}), "Done; its objects are being moved", Location="The task"
)
_STREAM: Final = {"description": "Server-sent events", "content": {"text/event-stream": {"schema": TEXT}}}


def records(app: FastAPI, own: Endpoints, events: Events, resource: Resource) -> None:
    shown, label, tag = record_name(resource.kind), resource.label, resource.path
    name, many = resource.name, resource.path.replace("-", " ")
    a_name = f"an {name}" if name[0] in "aeiou" else f"a {name}"
    one = f"/{resource.path}/{{id}}"
    etag = {"ETag": "Of this version"}
    page = json(f"{shown}Page", f"A page of {many}", ETag="Of the page", Link="rel=next: the page after this")
    found = json(shown, f"The {name}", **etag)
    made = json(shown, f"The new {name}", Location="Where it is", **etag)
    listing = Operation(f"list_{label}s", tag, f"List {many}", {200: page, 304: SAME}, filters(resource))
    add(app, "GET", f"/{resource.path}", own.page, listing)
    creating = Operation(
        f"create_{label}",
        tag,
        f"Make {a_name}",
        {201: made},
        (IDEMPOTENCY_KEY,),
        body(resource.create.__name__),
        (400, 409, 413, 415),
    )
    add(app, "POST", f"/{resource.path}", own.create, creating)
    getting = Operation(
        f"get_{label}",
        tag,
        f"Get {a_name}, deleted or not",
        {200: found, 304: SAME},
        (fields(resource), IF_NONE_MATCH),
        None,
        (404,),
    )
    add(app, "GET", one, own.get, getting)
    patched = body(resource.patch.__name__, *MERGE)
    patching = Operation(
        f"patch_{label}", tag, f"Change {a_name}", {200: found}, (IF_MATCH,), patched, _CHANGING
    )
    add(app, "PATCH", one, own.patch, patching)
    done: dict[int, Any] = {204: empty("Done")}
    parameters: tuple[Parameter, ...] = (
        IF_MATCH,
        query("purge", {"type": "boolean", "default": False}, "For ever, with its objects (administrators)"),
    )
    if resource.soft:
        done[202] = _MOVING
    removing = Operation(f"delete_{label}", tag, f"Delete {a_name}", done, parameters, None, (404, 409, 412))
    add(app, "DELETE", one, own.remove, removing)
    if resource.soft:
        undeleting = Operation(
            f"undelete_{label}",
            tag,
            f"Bring a deleted {name} back",
            {200: found, 202: _MOVING},
            (IF_MATCH,),
            None,
            (404, 409, 412),
        )
        add(app, "POST", f"{one}:undelete", own.undelete, undeleting)
    watching = Operation(
        f"watch_{label}",
        tag,
        f"Changes of {a_name} as they happen",
        {200: _STREAM},
        (AFTER, LAST),
        None,
        (404,),
        media="text/event-stream",
        head=False,
    )
    add(app, "GET", f"{one}/events", partial(events.of_record, resource=resource), watching)


def bulk(app: FastAPI, own: Bulk) -> None:
    done = json("BulkResult", "All were done; the results in the order of the operations")
    several = Operation(
        "bulk",
        "bulk",
        "Several changes in one transaction: all or none",
        {200: done},
        (IDEMPOTENCY_KEY,),
        body("BulkIn"),
        _CHANGING,
    )
    add(app, "POST", "/bulk", own.run, several)


def tasks(app: FastAPI, own: Tasks) -> None:
    status = {"type": "array", "items": {"enum": ["waiting", "running", "done", "failed"]}}
    parameters = (
        query("record", WORD, "Of the record with this id"),
        query("status", status, "In any of these"),
    )
    add(
        app,
        "GET",
        "/tasks",
        own.every,
        Operation(
            "list_tasks",
            "tasks",
            "Tasks that move objects, the newest first",
            {200: json("Tasks", "The tasks")},
            parameters,
        ),
    )
    add(
        app,
        "GET",
        "/tasks/{id}",
        own.get,
        Operation("get_task", "tasks", "Get a task", {200: json("Task", "The task")}, problems=(404,)),
    )
    add(
        app,
        "POST",
        "/tasks/{id}:retry",
        own.retry,
        Operation(
            "retry_task",
            "tasks",
            "Begin a task that failed again",
            {202: json("Task", "The new task", Location="Where it is")},
            problems=(404, 409),
        ),
    )


def events(app: FastAPI, own: Events) -> None:
    kinds = {"type": "array", "items": {"enum": list(FIELDS)}}
    add(
        app,
        "GET",
        "/events",
        own.stream,
        Operation(
            "watch",
            "events",
            "Changes as they happen",
            {200: _STREAM},
            (AFTER, LAST, query("kind", kinds, "Of these kinds")),
            media="text/event-stream",
            head=False,
        ),
    )
    texts = {"type": "array", "items": WORD}
    parameters = (
        *(query(name, texts, "Any of these") for name in WORDS),
        query("time_before", MOMENT, "Before this time"),
        query("time_after", MOMENT, "After this time"),
        limit(),
        query("cursor", {"type": "string", "pattern": "^[0-9]{1,19}$"}, "`next` of the page before"),
        query("sort", {"enum": ["id", "-id"], "default": "-id"}, "The oldest or (-) the newest first"),
    )
    page = json("EventPage", "A page of changes", Link="rel=next: the page after this")
    add(
        app,
        "GET",
        "/audit",
        own.audit,
        Operation("list_changes", "events", "Who changed what, and when", {200: page}, parameters),
    )


def description(app: FastAPI) -> None:
    async def openapi(_: Request) -> Response:
        return answers.answer(encoded(app.openapi()))

    about = Operation(
        "get_openapi", "events", "This document", {200: json({"type": "object"}, "OpenAPI 3.1")}
    )
    add(app, "GET", "/openapi.json", openapi, about)


def methods(app: FastAPI, scope: Scope) -> list[str]:
    """All that the address knows: what ends in `:undelete` or the like is no id."""
    found = [each for each in app.routes if isinstance(each, Route) and each.matches(scope)[0] != Match.NONE]
    closest = max((each.path for each in found), key=len, default="")
    return sorted({method for each in found if each.path == closest for method in each.methods or ()})
