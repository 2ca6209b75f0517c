"""Remote build nodes. Nobody asks the nodes themselves here: their status is what it is before anybody has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.service.auth.roles import allowed
from slipway.service.ims import render, schemas
from slipway.service.ims.answers import NOTHING, Answer, missing
from slipway.service.ims.context import place
from slipway.service.model import Node

if TYPE_CHECKING:
    from slipway.service.ims.call import Call
    from slipway.service.ims.context import Context
    from slipway.service.records.tx import Tx


async def create(context: Context, call: Call) -> Answer:
    """One that is there stays as it is."""
    project = place(call.actor)
    given = await call.given(schemas.NODE)
    node = Node(id=given["xname"], created=context.now(), project=project, owner=call.actor.name)

    def work(tx: Tx) -> Node:
        return tx.get(Node, node.id) or tx.add(node, call.actor)

    return Answer(201, render.made(await context.write(work)))


async def remove(context: Context, call: Call) -> Answer:
    await _remove(context, call, [await context.need(Node, call)])
    return NOTHING


async def remove_all(context: Context, call: Call) -> Answer:
    shelf = await context.shelf(Node)
    await _remove(context, call, [n for n in shelf.records() if allowed(call.actor, "write", n.project)])
    return NOTHING


async def status(context: Context, call: Call) -> Answer:
    node = await context.find(Node, call.id, call.actor)
    if node is None:
        raise missing()
    return Answer(200, render.shown(_unknown(node)) + b"\n")


async def statuses(context: Context, call: Call) -> Answer:
    shelf = await context.shelf(Node)
    seen = [_unknown(node) for node in shelf.records() if allowed(call.actor, "read", node.project)]
    return Answer(200, render.shown(seen) + b"\n")


async def _remove(context: Context, call: Call, nodes: list[Node]) -> None:
    def work(tx: Tx) -> None:
        for node in nodes:
            if now := tx.get(Node, node.id):
                tx.remove(now, call.actor)

    await context.write(work)


def _unknown(node: Node) -> dict[str, object]:
    return {
        "xname": node.id,
        "sshStatus": "Unknown",
        "podmanStatus": "Unknown",
        "nodeArch": "Unknown",
        "numCurrentJobs": -1,
        "ableToRunJobs": False,
    }
