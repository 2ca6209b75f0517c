"""What one run of the command line knows: the settings asked for, how much to say, and in which form."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.settings import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.events import Reporter
    from slipway.oci.store import Store
    from slipway.settings import Settings


@dataclass
class Face:
    """Made once per run and handed to every command as click's `obj`."""

    json: bool = False
    verbose: bool = False
    quiet: bool = False
    debug: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)

    def settings(self) -> Settings:
        """Settings from file, environment and command line; `UsageError` when one of them is wrong."""
        from slipway.settings import load

        return load().with_(**self.overrides)

    def store(self) -> Store:
        from slipway.oci.store import Store

        return Store(self.settings().store)

    @contextmanager
    def reporter(self) -> Iterator[Reporter]:
        """A reporter whose sink fits where the output goes; bars are gone when the block ends."""
        from slipway.cli.sinks import open_sink
        from slipway.events import Reporter

        with open_sink(self) as sink:
            reporter = Reporter(sink)
            try:
                yield reporter
            finally:
                reporter.close()

    def result(self, data: dict[str, Any], render: Callable[[], str]) -> None:
        """The outcome, on stdout: `data` as the last JSON line, or the text that `render` makes."""
        if self.json:
            emit({"type": "result", **data})
        elif text := render():
            from slipway.cli.text import say

            say(text, sys.stdout)


def emit(value: dict[str, Any]) -> None:
    """One JSON line on stdout, at once. ASCII only, so that no locale can garble it."""
    import json

    sys.stdout.write(json.dumps(value, separators=(",", ":"), default=str) + "\n")
    sys.stdout.flush()


# -- options -------------------------------------------------------------------------------------------------

_FORMS: dict[str, dict[str, Any]] = {
    "Path": {"type": click.Path(path_type=Path), "metavar": "DIR"},
    "int": {"type": int, "metavar": "N"},
    "float": {"type": float, "metavar": "SECONDS"},
    "str": {"type": str, "metavar": "TEXT"},
    "bool": {"is_flag": True, "default": None},
}


class SettingOption(click.Option):
    """A global option that comes from the settings table."""


def _override(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None:
        name = str(param.name)
        if isinstance(value, Path):
            value = Path(os.path.abspath(value.expanduser()))  # noqa: PTH100 - no symlink resolution
        ctx.ensure_object(Face).overrides[name] = value


def setting_options() -> list[click.Parameter]:
    """An option for every setting; values given go into the face's overrides."""
    return [
        SettingOption(
            [f"--{f.name.replace('_', '-')}"],
            **_FORMS[str(f.type)],
            help=_sentence(str(f.metadata["help"])),
            expose_value=False,
            callback=_override,
        )
        for f in declared()
    ]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _set(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        setattr(ctx.ensure_object(Face), str(param.name), True)


def _flag(*names: str, text: str) -> click.Option:
    return click.Option(names, is_flag=True, is_eager=True, expose_value=False, callback=_set, help=text)


def verbosity() -> list[click.Parameter]:
    return [
        _flag("-v", "--verbose", text="Say more: every detail of what is done."),
        _flag("-q", "--quiet", text="Say less: warnings, errors and the result only."),
        _flag("--debug", text="Show the trace of an error."),
    ]


def json_flag() -> click.Parameter:
    return _flag("--json", text="Print JSON lines on stdout; the last one is the result or the error.")


def says(*, verbose: bool = True, prints: bool = True) -> Callable[[click.Command], click.Command]:
    """Give a command the options on how much to say and, when it `prints` data, `--json`."""

    def add(command: click.Command) -> click.Command:
        command.params += ([json_flag()] if prints else []) + (verbosity() if verbose else [])
        return command

    return add
