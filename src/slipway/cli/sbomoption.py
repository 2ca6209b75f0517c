"""`--sbom[=FORMAT]`, which several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from slipway.cli.lazy import Command
from slipway.scan.sbom.write import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

C = TypeVar("C", bound="Callable[..., Any] | click.Command")


class WithSbom(Command):
    """A command with `--sbom`, alone or with `=FORMAT`.

    click would take the word after an option with a value for that value, which here is most often the image.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        default = f"--sbom={next(iter(FORMATS))}"
        return super().parse_args(ctx, [default if arg == "--sbom" else arg for arg in args])


def sbom_option(text: str) -> Callable[[C], C]:
    """The option; its value is a tuple of formats. `text` is a sentence on what is done with them."""
    return click.option(
        "--sbom",
        multiple=True,
        type=click.Choice(list(FORMATS)),
        metavar="[=FORMAT]",
        help=f"{text} FORMAT is {' (the default) or '.join(FORMATS)}. Repeatable.",
    )
