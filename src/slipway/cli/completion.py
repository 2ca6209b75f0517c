"""`slipway completion`."""

from __future__ import annotations

import click

from slipway.cli.lazy import Command

EXAMPLES = """
eval "$(slipway completion bash)"        for this shell; put it into ~/.bashrc to keep it
slipway completion zsh > ~/.zfunc/_slipway
slipway completion fish > ~/.config/fish/completions/slipway.fish
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands, options, files and the names of stored images.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "slipway", "_SLIPWAY_COMPLETE").source())
