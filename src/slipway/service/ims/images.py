"""Making and changing images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from slipway.service.ims import linked, render, schemas
from slipway.service.ims.answers import Answer
from slipway.service.ims.context import place
from slipway.service.model import Image

if TYPE_CHECKING:
    from slipway.service.ims.call import Call
    from slipway.service.ims.context import Context


async def create(context: Context, call: Call) -> Answer:
    project = place(call.actor)
    given = await call.given(schemas.IMAGE)
    image = Image(
        id=str(uuid4()),
        created=context.now(),
        project=project,
        owner=call.actor.name,
        name=given["name"],
        link=linked.made(given["link"]),
        arch=given["arch"],
        metadata=_metadata(given["metadata"]),
    )
    if given["link"]:
        await linked.check(context, call.actor, image, given["link"])
    return Answer(201, render.made(await context.add(image, call.actor)))


async def change(context: Context, call: Call) -> Answer:
    image = await context.need(Image, call)
    content = await call.json()
    given = call.checked(schemas.IMAGE_CHANGE, content)
    link = linked.made(given.get("link"))

    def changed(now: Image) -> Image:
        if link is not None:
            now = replace(now, link=linked.joined(now.link, link))
        if "arch" in given:
            now = replace(now, arch=given["arch"])
        if "metadata" in given:
            step = given["metadata"]
            kept = {key: value for key, value in now.metadata.items() if key != step["key"]}
            if step["operation"] == "set":
                kept = {**now.metadata, step["key"]: step["value"]}
            now = replace(now, metadata=kept)
        return now

    after = changed(image)
    if link is not None and image.link is None:
        await linked.check(context, call.actor, after, content["link"])
    stored = await context.change(image, call.actor, changed)
    return Answer(200, render.record(stored) + b"\n")


def _metadata(given: dict[str, str]) -> dict[str, str]:
    """A member `key` tells that this is one pair, which is how the command line of Cray sends it."""
    return {given["key"]: given.get("value", "")} if "key" in given else given
