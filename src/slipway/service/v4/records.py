"""The endpoints of records: the same for each kind, and undeleting for those that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from slipway.service.auth.roles import projects
from slipway.service.v4 import answers, bodies, changes, etags, listing, views
from slipway.service.v4.access import actor_of
from slipway.service.v4.deleting import Deleting
from slipway.service.v4.making import asks_storage
from slipway.service.v4.problems import Fault, invalid
from slipway.service.v4.replies import Reply, key_of
from slipway.service.v4.schemas import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from slipway.service.model import Record
    from slipway.service.records.tx import Tx
    from slipway.service.v4.changes import Change
    from slipway.service.v4.context import Context
    from slipway.service.v4.replies import Key, Replies
    from slipway.service.v4.resources import Resource

T = TypeVar("T")
_KEPT: Final = 64  # answers to lists


class Endpoints:
    """Of one kind."""

    def __init__(self, context: Context, replies: Replies, resource: Resource) -> None:
        self.context, self.replies, self.resource = context, replies, resource
        self.limit = context.service.settings.request_limit
        self._lists: dict[tuple[object, ...], tuple[int, bytes, str]] = {}

    async def page(self, request: Request) -> Response:
        """The same question is answered from memory until a record of this kind changes, whoever changes it."""
        actor = actor_of(request)
        asked = listing.asked(self.resource, request.url.query, FIELDS[self.resource.kind])
        stamp = await self.context.stamp(self.resource.cls)
        within = projects(actor)
        key = (request.url.query, None if within is None else tuple(sorted(within)))
        etag = etags.of_list(stamp, *key)
        headers = {"etag": etag, "vary": "Authorization"}
        if etags.unchanged(request.headers.get("if-none-match"), etag):
            return answers.nothing(304, headers)
        kept = self._lists.get(key)
        if kept is None or kept[0] != stamp:
            body, following = await self.context.run(self._page, asked, within)
            kept = (stamp, body, following)
            self._lists.pop(key, None)
            self._lists[key] = kept
            if len(self._lists) > _KEPT:
                del self._lists[next(iter(self._lists))]
        _, body, following = kept
        if following:
            rest = f"{asked.rest}&" if asked.rest else ""
            headers["link"] = (
                f'<{answers.base(request)}/{self.resource.path}?{rest}cursor={following}>; rel="next"'
            )
        return answers.answer(body, headers=headers)

    def _page(self, asked: listing.Asked, within: frozenset[str] | None) -> tuple[bytes, str]:
        records = self.context.service.records
        query = asked.within(within)
        page = records.page(self.resource.cls, query)
        following = listing.cursor(asked.fingerprint, page.last) if page.last else ""
        items = [views.only(views.plain(record), asked.fields) for record in page.records]
        body: dict[str, Any] = {"items": items, "next": following or None}
        if asked.count:
            body["total"] = records.count(self.resource.cls, query)
        return views.encoded(body), following

    async def get(self, request: Request) -> Response:
        fields = self._fields(request)
        entry = await self.context.entry(self.resource, request.path_params["id"], actor_of(request))
        etag = etags.of_record(entry.record)
        headers = {"etag": etag, "vary": "Authorization"}
        if etags.unchanged(request.headers.get("if-none-match"), etag):
            return answers.nothing(304, headers)
        some = views.encoded(views.only(views.plain(entry.record), fields)) if fields is not None else None
        return answers.answer(some or entry.body, headers=headers)

    async def create(self, request: Request) -> Response:
        actor = actor_of(request)
        content = await bodies.content(request, self.limit)
        model = changes.model_of(self.resource, content)
        key = key_of(request, actor, views.encoded(content))
        if key is not None and (before := await self.context.write(lambda tx: self.replies.find(tx, key))):
            return answers.replied(before)
        if asks_storage(model):
            change = await self.context.run(changes.create, self.context, actor, model)
        else:
            change = changes.create(self.context, actor, model)
        return answers.replied(await self._commit(change, key, answers.base(request)))

    async def patch(self, request: Request) -> Response:
        actor = actor_of(request)
        content = await bodies.content(request, self.limit, bodies.MERGE)
        name, if_match = request.path_params["id"], request.headers.get("if-match")
        change = await self.context.run(
            changes.patch, self.context, actor, self.resource, name, content, if_match
        )
        record = await self._carried(change, change.apply)
        return answers.replied(self._reply(record, 200, answers.base(request)))

    async def remove(self, request: Request) -> Response:
        actor = actor_of(request)
        purge = self._purge(request)
        name, if_match = request.path_params["id"], request.headers.get("if-match")
        if self.resource.soft:
            deleting = Deleting(self.context, actor, self.resource, name, if_match, answers.base(request))
            return _shown(await self.context.run(deleting.purge if purge else deleting.delete))
        change = await self.context.run(changes.remove, self.context, actor, self.resource, name, if_match)
        await self._carried(change, change.apply)
        return answers.nothing()

    async def undelete(self, request: Request) -> Response:
        name, if_match = request.path_params["id"], request.headers.get("if-match")
        deleting = Deleting(
            self.context, actor_of(request), self.resource, name, if_match, answers.base(request)
        )
        return _shown(await self.context.run(deleting.undelete))

    async def _commit(self, change: Change, key: Key | None, base: str) -> Reply:
        """The record and the reply are written together, or neither is."""
        kept: list[Reply] = []

        def work(tx: Tx) -> Reply:
            if key is not None and (before := self.replies.find(tx, key)):
                kept.append(before)
                return before
            reply = self._reply(change.apply(tx), 201, base)
            if key is not None:
                self.replies.keep(tx, key, reply)
            return reply

        return await self._carried(change, work, kept)

    async def _carried(self, change: Change, work: Callable[[Tx], T], kept: Sequence[Reply] = ()) -> T:
        """What others do for the change, and its transaction; `kept` has something in it when that did nothing."""
        if change.begin is None and change.undo is None:
            return await self.context.write(work)
        return await self.context.run(self._written, change, work, kept)

    def _written(self, change: Change, work: Callable[[Tx], T], kept: Sequence[Reply]) -> T:
        """In a thread, which no client that goes away can stop between the steps."""
        undo = change.undo or (lambda: None)
        try:
            if change.begin is not None:
                change.begin()
            done = self.context.service.records.write(work)
        except BaseException:
            undo()
            raise
        if kept:
            undo()
        return done

    def _reply(self, record: Record | None, status: int, base: str) -> Reply:
        if record is None:
            return Reply(204)
        headers = {"etag": etags.of_record(record)}
        if status == 201:
            headers["location"] = f"{base}/{self.resource.path}/{record.id}"
        return Reply(status, views.shown(record), headers)

    def _fields(self, request: Request) -> frozenset[str] | None:
        _known(request, "fields")
        values = request.query_params.getlist("fields")
        return listing.fields_of(values, FIELDS[self.resource.kind]) if values else None

    def _purge(self, request: Request) -> bool:
        _known(request, "purge")
        values = request.query_params.getlist("purge") or ["false"]
        if len(values) > 1 or values[0] not in ("true", "false"):
            raise invalid([Fault("true or false is needed", parameter="purge")])
        return values[0] == "true"


def _known(request: Request, *names: str) -> None:
    if bad := [name for name in request.query_params if name not in names]:
        raise invalid([Fault("there is no such parameter", parameter=name[:100]) for name in bad])


def _shown(reply: Reply) -> Response:
    return answers.replied(reply) if reply.body else answers.nothing(reply.status, reply.headers)
