"""`slipway node`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slipway.cli.lazy import Group
from slipway.cli.remote import NODE, add_verbs, command, connected

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway node create x3000c0s17b0n0
slipway node list
"""


@click.group(cls=Group, examples=EXAMPLES)
def node() -> None:
    """Remote build nodes of the service."""


@command("create", "Make a node known to the service.", "slipway node create x3000c0s17b0n0")
@click.argument("xname")
def create(face: Face, *, xname: str) -> None:
    with connected(face) as client:
        made = client.nodes.create(xname)
    face.result({"node": made}, lambda: made["xname"])


node.add_command(create)
add_verbs(node, NODE)
