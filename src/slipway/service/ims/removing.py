"""Deleting, undeleting and removing for ever.

The second API removes for ever; the third moves to the deleted, from where there is a way back. Of many records at once, all go
or none. What a deletion refuses is the client's affair: 422 (`api.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from slipway.service.auth.roles import allowed
from slipway.service.ims import schemas
from slipway.service.ims.answers import NOTHING, Answer, forbidden, missing
from slipway.service.ims.context import taken
from slipway.service.ims.rights import may_purge
from slipway.service.records.errors import TakenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.service.ims.call import Call
    from slipway.service.ims.context import Context
    from slipway.service.model import Record

R = TypeVar("R", bound="Record")
_YES: Final = frozenset({"true", "yes", "t", "1"})


async def delete(context: Context, call: Call, kind: type[Record]) -> Answer:
    deletion, actor = context.service.deletion, call.actor
    record = await context.need(kind, call)
    return await _one(context, record, lambda now: deletion.delete(now, actor))


async def delete_all(context: Context, call: Call, kind: type[Record]) -> Answer:
    deletion, actor = context.service.deletion, call.actor
    ours = lambda record: allowed(actor, "write", record.project)  # noqa: E731
    records = await context.insist_all(kind, ours, lambda them: deletion.delete_all(them, actor))
    await context.settle(records)
    return NOTHING


async def purge(context: Context, call: Call, kind: type[Record], *, gone: bool) -> Answer:
    deletion, actor, objects = context.service.deletion, call.actor, _cascade(call)
    record = await context.find(kind, call.id, actor, gone=gone)
    if record is None:
        raise missing()
    if not may_purge(actor, record):
        raise forbidden()
    act = lambda now: deletion.purge(now, actor, objects=objects)  # noqa: E731
    return await _one(context, record, act, gone=gone)


async def purge_all(context: Context, call: Call, kind: type[Record], *, gone: bool) -> Answer:
    deletion, actor, objects = context.service.deletion, call.actor, _cascade(call)
    ours = lambda record: may_purge(actor, record)  # noqa: E731
    act = lambda them: deletion.purge_all(them, actor, objects=objects)  # noqa: E731
    await context.settle(await context.insist_all(kind, ours, act, gone=gone))
    return NOTHING


async def undelete(context: Context, call: Call, kind: type[Record]) -> Answer:
    deletion, actor = context.service.deletion, call.actor
    record = await context.need(kind, call, gone=True)
    await call.given(schemas.UNDELETE)
    try:
        return await _one(context, record, lambda now: deletion.undelete(now, actor), gone=True)
    except TakenError as error:
        raise taken(record, error) from None


async def undelete_all(context: Context, call: Call, kind: type[Record]) -> Answer:
    deletion, actor = context.service.deletion, call.actor
    await call.given(schemas.UNDELETE)
    ours = lambda record: allowed(actor, "write", record.project)  # noqa: E731
    act = lambda them: deletion.undelete_all(them, actor)  # noqa: E731
    await context.settle(await context.insist_all(kind, ours, act, gone=True))
    return NOTHING


async def _one(context: Context, record: R, act: Callable[[R], object], *, gone: bool = False) -> Answer:
    if not await context.insist(record, act, gone=gone):
        raise missing()
    await context.settle([record])
    return NOTHING


def _cascade(call: Call) -> bool:
    """Whether the objects go too: they do unless it says no."""
    return call.query().get("cascade", ["true"])[0].lower() in _YES
