"""Making public keys. Nobody changes one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from slipway.service.ims import render, schemas
from slipway.service.ims.answers import Answer
from slipway.service.ims.context import place
from slipway.service.model import PublicKey

if TYPE_CHECKING:
    from slipway.service.ims.call import Call
    from slipway.service.ims.context import Context


async def create(context: Context, call: Call) -> Answer:
    project = place(call.actor)
    given = await call.given(schemas.PUBLIC_KEY)
    key = PublicKey(
        id=str(uuid4()),
        created=context.now(),
        project=project,
        owner=call.actor.name,
        name=given["name"],
        public_key=given["public_key"],
    )
    return Answer(201, render.made(await context.add(key, call.actor)))
