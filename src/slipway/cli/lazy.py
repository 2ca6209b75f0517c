"""click groups whose commands are imported when they are run, and help pages that end in examples."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class Command(click.Command):
    """A command with an `examples` section: lines shown as they are written."""

    def __init__(self, *args: Any, examples: str = "", **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A group with an `examples` section."""

    command_class = Command

    def __init__(self, *args: Any, examples: str = "", **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.examples = examples

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class LazyGroup(Group):
    """`lazy` maps a command's name to `(module, summary)`: the module has the command under that name.

    Help and completion of the group need the summaries only, so nothing is imported for them.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.lazy:
            return None
        command = getattr(import_module(self.lazy[cmd_name][0]), cmd_name.replace("-", "_"))
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:  # click looks for similar names among the commands it has loaded
            raise click.NoSuchCommand(error.command_name, possibilities=self.lazy, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.lazy.items()])


def _write_examples(examples: str, formatter: click.HelpFormatter) -> None:
    if examples:
        formatter.write("\nExamples:\n")
        formatter.write("".join(f"  {line}\n" if line else "\n" for line in examples.strip().splitlines()))
