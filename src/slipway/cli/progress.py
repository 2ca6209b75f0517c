"""The bars themselves, drawn by rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from slipway.cli.sinks import amount

if TYPE_CHECKING:
    from rich.progress import Task


class _Amount(ProgressColumn):
    """`12.0 MB of 38.4 MB (31 %)`."""

    def render(self, task: Task) -> Text:
        if not task.completed and not task.total:
            return Text("")
        words = amount(int(task.completed), int(task.total or 0), task.fields["unit"])
        return Text(words, style="dim", no_wrap=True)


def make(stream: TextIO, *, colour: bool) -> Progress:
    """Bars that disappear when stopped. Tasks need the field `unit` (`bytes` or `items`)."""
    console = Console(file=stream, no_color=not colour, highlight=False, force_terminal=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24, complete_style="cyan", finished_style="green", pulse_style="cyan"),
        _Amount(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        refresh_per_second=8,
    )
