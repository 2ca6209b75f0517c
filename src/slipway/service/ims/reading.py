"""Collections and single records, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.service.ims.answers import Answer

if TYPE_CHECKING:
    from slipway.service.ims.call import Call
    from slipway.service.ims.context import Context
    from slipway.service.model import Record


async def listed(context: Context, call: Call, kind: type[Record], *, gone: bool) -> Answer:
    return Answer(200, await context.body(kind, call, gone=gone))


async def single(context: Context, call: Call, kind: type[Record], *, gone: bool) -> Answer:
    return Answer(200, await context.bytes(kind, call, gone=gone))
