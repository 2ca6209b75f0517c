"""`slipway debug`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slipway.cli.lazy import Command

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway build image.yaml --keep-context   keep the root in which a step fails
slipway debug                             a shell in it
slipway debug 4f5e -- make -C /src test   a command in it
slipway debug 4f5e --rm                   remove it
"""


class DebugCommand(Command):
    """What follows `--` is the command's, with and without an ID before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        ctx.params["argv"] = (*ctx.params["argv"], *args[at + 1 :])
        return rest


@click.command(cls=DebugCommand, examples=EXAMPLES)
@click.argument("identity", metavar="[ID]", default="")
@click.argument("argv", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--rm", "remove", is_flag=True, help="Remove the root instead.")
@click.pass_obj
def debug(face: Face, *, identity: str, argv: tuple[str, ...], remove: bool) -> int:
    """Open a shell where a step of a build failed.

    Everything is as it was when the step ended: files, environment, directory, user and network. Only its secrets and caches
    are not there. What is changed stays, until the step fails again or the root is removed.
    """
    from slipway.build.steps.debug import open_root
    from slipway.build.steps.failure import find_kept, forget

    settings = face.settings()
    kept = find_kept(settings.cache, identity)
    if remove:
        forget(kept)
        face.result({"removed": kept.id}, lambda: kept.id)
        return 0
    with face.reporter() as reporter:
        return open_root(kept, argv, face.store(), settings, reporter)
