"""The audit trail as a list, and changes as a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import StreamingResponse

from slipway.service.auth.roles import projects
from slipway.service.records.query import Filter
from slipway.service.v4 import answers, views
from slipway.service.v4.access import actor_of
from slipway.service.v4.feed import Wanted
from slipway.service.v4.listing import LARGEST, USUAL, microseconds
from slipway.service.v4.problems import Fault, invalid
from slipway.service.v4.resources import BY_KIND

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from slipway.service.v4.context import Context
    from slipway.service.v4.feed import Feed
    from slipway.service.v4.resources import Resource

WORDS: Final = {"actor": "actor", "action": "action", "kind": "kind", "record": "id", "project": "project"}
_LAST: Final = 2**63 - 1


class Events:
    def __init__(self, context: Context, feed: Feed) -> None:
        self.context, self.feed = context, feed

    async def audit(self, request: Request) -> Response:
        """The newest first, or with `sort=id` the oldest."""
        reader = _Parameters(request, {*WORDS, "time_before", "time_after", "limit", "cursor", "sort"})
        filters = [Filter(WORDS[name], tuple(values)) for name in WORDS if (values := reader.all(name))]
        if (until := reader.time("time_before")) is not None:
            filters.append(Filter("time", (until,), "before"))
        if (since := reader.time("time_after")) is not None:
            filters.append(Filter("time", (since,), "after"))
        limit = reader.number("limit", 1, LARGEST) or USUAL
        place = reader.number("cursor", 0, _LAST) or 0
        order = reader.one("sort") or "-id"
        if order not in ("id", "-id"):
            reader.wrong("sort", "id or -id is needed")
        reader.done()
        found = await self.context.run(
            self.context.service.records.events,
            place,
            limit=limit + 1,
            projects=projects(actor_of(request)),
            filters=filters,
            newest=order == "-id",
        )
        following = str(found[limit - 1].stamp) if len(found) > limit else None
        headers = {"vary": "Authorization"}
        if following:
            rest = request.url.remove_query_params("cursor").query
            url = f"{answers.base(request)}/audit?{rest}{'&' if rest else ''}cursor={following}"
            headers["link"] = f'<{url}>; rel="next"'
        body = {"items": [views.event(each) for each in found[:limit]], "next": following}
        return answers.answer(views.encoded(body), headers=headers)

    async def stream(self, request: Request) -> Response:
        reader = _Parameters(request, {"after", "kind"})
        kinds = reader.all("kind")
        for kind in kinds:
            if kind not in BY_KIND:
                reader.wrong("kind", f"there is no kind {kind[:30]!r}")
        after = reader.place()
        reader.done()
        return self._streamed(request, after, Wanted(projects(actor_of(request)), frozenset(kinds)))

    async def of_record(self, request: Request, resource: Resource) -> Response:
        reader = _Parameters(request, {"after"})
        after = reader.place()
        reader.done()
        actor = actor_of(request)
        record = (await self.context.entry(resource, request.path_params["id"], actor)).record
        return self._streamed(request, after, Wanted(projects(actor), frozenset((resource.kind,)), record.id))

    def _streamed(self, request: Request, after: int | None, wanted: Wanted) -> Response:
        self.feed.until((request.scope.get("state") or {}).get("stopping"))
        # proxies that gather what passes would keep events back
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(
            self.feed.stream(after, wanted), headers=headers, media_type="text/event-stream"
        )


class _Parameters:
    """Parameters by name; what is wrong is gathered until `done`."""

    def __init__(self, request: Request, known: set[str]) -> None:
        self.request = request
        self.faults = [
            Fault("there is no such parameter", parameter=name[:100])
            for name in request.query_params
            if name not in known
        ]

    def wrong(self, name: str, detail: str) -> None:
        self.faults.append(Fault(detail, parameter=name))

    def done(self) -> None:
        if self.faults:
            raise invalid(self.faults, "some parameters cannot be taken")

    def all(self, name: str) -> list[str]:
        values = self.request.query_params.getlist(name)
        if any("\0" in value for value in values):
            self.wrong(name, "this holds a NUL")
        return values

    def one(self, name: str) -> str | None:
        values = self.all(name)
        if len(values) > 1:
            self.wrong(name, "this can be given once")
        return values[0] if values else None

    def number(self, name: str, least: int, most: int) -> int | None:
        text = self.one(name)
        return None if text is None else self._number(name, text, least, most)

    def time(self, name: str) -> int | None:
        text = self.one(name)
        try:
            return None if text is None else microseconds(text)
        except ValueError:
            self.wrong(name, "a time as in RFC 3339 is needed, for example 2026-11-21T10:00:00Z")
            return None

    def place(self) -> int | None:
        """Where to resume: the header is what browsers send when they come back, so it goes before the parameter."""
        header = self.request.headers.get("last-event-id")
        if header:
            return self._number("Last-Event-ID", header, 0, _LAST)
        return self.number("after", 0, _LAST)

    def _number(self, name: str, text: Any, least: int, most: int) -> int | None:
        if text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most:
            return int(text)
        self.wrong(name, f"a number from {least} to {most} is needed")
        return None
