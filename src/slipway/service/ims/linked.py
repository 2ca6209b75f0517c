"""Links of recipes and images: set once, unique, and to something that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from slipway.service.ims.answers import conflict
from slipway.service.ims.context import duplicate
from slipway.service.model import Image, Link, Recipe

if TYPE_CHECKING:
    from slipway.service.ims.context import Context
    from slipway.service.model import Actor

L = TypeVar("L", Recipe, Image)


async def check(context: Context, actor: Actor, record: L, raw: dict[str, Any]) -> None:
    """In the order that clients know: whether another record has the link, then whether it leads to something."""
    kind = type(record)
    if other := await context.write(lambda tx: tx.by_link(kind, str(raw["path"]))):
        raise duplicate(record, other)
    links = context.links(actor)
    look = links.check_image if kind is Image else links.check
    await context.run(look, raw)


def made(raw: dict[str, Any] | None) -> Link | None:
    return None if raw is None else Link(raw["path"], raw.get("etag", ""), raw["type"])


def joined(now: Link | None, wanted: Link) -> Link:
    """What the link is after a change: one that is there is never replaced by another."""
    if now is not None and now != wanted:
        raise conflict()
    return wanted
