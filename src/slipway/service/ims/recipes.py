"""Making and changing recipes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from slipway.service.ims import linked, render, schemas
from slipway.service.ims.answers import Answer
from slipway.service.ims.context import place
from slipway.service.model import Recipe

if TYPE_CHECKING:
    from slipway.service.ims.call import Call
    from slipway.service.ims.context import Context


async def create(context: Context, call: Call) -> Answer:
    project = place(call.actor)
    given = await call.given(schemas.RECIPE)
    recipe = Recipe(
        id=str(uuid4()),
        created=context.now(),
        project=project,
        owner=call.actor.name,
        name=given["name"],
        recipe_type=given["recipe_type"],
        linux_distribution=given["linux_distribution"],
        link=linked.made(given["link"]),
        template_dictionary=_pairs(given["template_dictionary"] or []),
        require_dkms=given["require_dkms"],
        arch=given["arch"],
    )
    if given["link"]:
        await linked.check(context, call.actor, recipe, given["link"])
    return Answer(201, render.made(await context.add(recipe, call.actor)))


async def change(context: Context, call: Call) -> Answer:
    recipe = await context.need(Recipe, call)
    content = await call.json()
    given = call.checked(schemas.RECIPE_CHANGE, content)
    link = linked.made(given.get("link"))

    def changed(now: Recipe) -> Recipe:
        if link is not None:
            now = replace(now, link=linked.joined(now.link, link))
        if "arch" in given:
            now = replace(now, arch=given["arch"])
        if "require_dkms" in given:
            now = replace(now, require_dkms=given["require_dkms"])
        if "template_dictionary" in given:
            now = replace(now, template_dictionary=_pairs(given["template_dictionary"]))
        return now

    after = changed(recipe)
    if link is not None and recipe.link is None:
        await linked.check(context, call.actor, after, content["link"])
    stored = await context.change(recipe, call.actor, changed)
    return Answer(200, render.record(stored) + b"\n")


def _pairs(given: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((each["key"], each["value"]) for each in given)
