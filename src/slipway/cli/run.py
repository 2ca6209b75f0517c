"""`slipway run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slipway.cli.complete import image_names
from slipway.cli.lazy import Command
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway run hello                        the image's own command
slipway run hello -- python3 -c 'import ssl'
slipway run --network -v $PWD:/src -w /src hello -- make test
slipway run --entrypoint /bin/sh hello   a shell instead of the entrypoint
"""


class RunCommand(Command):
    """Options may stand on both sides of IMAGE; from the first word after it, all is the command's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before, rest = self._options(ctx, args)
        if not rest:
            return super().parse_args(ctx, args)
        between, words = self._options(ctx, rest[1:])
        return super().parse_args(ctx, [*before, *between, "--", rest[0], *words])

    def _options(self, ctx: click.Context, args: list[str]) -> tuple[list[str], list[str]]:
        """The options at the start of `args`, without a closing `--`, and what follows them."""
        options: list[click.Parameter] = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        reader = click.Command(
            None,
            params=options,
            add_help_option=False,
            context_settings={"allow_interspersed_args": False, "allow_extra_args": True},
        )
        rest = reader.make_context(ctx.info_name, list(args), parent=ctx.parent, resilient_parsing=True).args
        head = args[: len(args) - len(rest)]
        return (head[:-1] if head and head[-1] == "--" else head), rest


@click.command(cls=RunCommand, examples=EXAMPLES)
@click.argument("image", shell_complete=image_names)
@click.argument("argv", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--network", is_flag=True, help="Share this machine's network (without: loopback only).")
@click.option("-u", "--user", default="", help="User or UID[:GID] in the image; default: the image's.")
@click.option(
    "-w", "--workdir", default="", metavar="DIR", help="Directory to start in; default: the image's."
)
@click.option(
    "-e", "--env", multiple=True, metavar="K=V", help="Set a variable; K alone passes it on. Repeatable."
)
@click.option(
    "-v",
    "--mount",
    "mounts",
    multiple=True,
    metavar="HOST:INSIDE[:ro]",
    help="Show a file or directory of this machine inside. Repeatable.",
)
@click.option("--entrypoint", metavar="PROGRAM", help="Replace the image's entrypoint ('' for none).")
@click.option("--read-only", is_flag=True, help="Make the root read-only; only mounts can be written.")
@click.pass_obj
def run(
    face: Face,
    *,
    image: str,
    argv: tuple[str, ...],
    network: bool,
    user: str,
    workdir: str,
    env: tuple[str, ...],
    mounts: tuple[str, ...],
    entrypoint: str | None,
    read_only: bool,
) -> int:
    """Run a command in a stored image.

    No daemon and no root are needed. What the command writes is gone when it ends. The exit status is the
    command's own.
    """
    import shlex

    from slipway.sandbox.run import run_image

    store = face.store()
    found = store.find(image)
    words = None if entrypoint is None else shlex.split(entrypoint)
    with face.reporter() as reporter:
        return run_image(
            store,
            found,
            argv,
            settings=face.settings(),
            entrypoint=words,
            user=user,
            workdir=workdir,
            env=dict(_variable(text) for text in env),
            network=network,
            mounts=[_mount(text) for text in mounts],
            read_only=read_only,
            reporter=reporter,
        )


def _mount(text: str) -> tuple[str, str, bool]:
    """`HOST:INSIDE`, `HOST:INSIDE:ro`; a colon may be part of HOST but not of INSIDE."""
    rest, _, mode = text.rpartition(":")
    if mode not in ("ro", "rw"):
        rest, mode = text, "rw"
    host, _, inside = rest.rpartition(":")
    if not host or not inside:
        raise UsageError(f"--mount {text!r} is not HOST:INSIDE or HOST:INSIDE:ro")
    return host, inside, mode == "ro"


def _variable(text: str) -> tuple[str, str]:
    import os

    name, sign, value = text.partition("=")
    if not name:
        raise UsageError(f"--env {text!r} has no name before the `=`")
    if not sign and name not in os.environ:
        raise UsageError(f"--env {name}: there is no such variable here", hint=f"write {name}=VALUE")
    return name, value if sign else os.environ[name]
