"""`pyats image build …` where pyATS is installed: a plugin of its command line.

pyATS finds it by the entry point group `pyats.cli.commands`. Other packages may add commands below `pyats image` by
the group `pyats.cli.commands.image`, as they can with the pyATS Image Builder. Only pyATS imports this module.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pyats.cli.base import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GROUP = "pyats.cli.commands.image"


class ImageBuild(Command):  # type: ignore[misc]  # pyATS has no types
    """`pyats image build`."""

    name = "build"
    help = "build an image from a YAML file"

    def main(self, argv: Sequence[str]) -> None:
        from slipway.pyats.main import main

        main(argv, self.prog)


class ImageCommand(Command):  # type: ignore[misc]
    """`pyats image`: finds the command that the next word names."""

    name = "image"
    help = "commands related to images"
    description = "Commands related to images."
    standard_logging = False

    def main(self, argv: Sequence[str]) -> Any:
        commands = _commands()
        if argv and argv[0] in commands:
            return commands[argv[0]](self.prog).main(list(argv[1:]))
        subcommands = self.parser.add_subparsers(title="Subcommands", dest="subcommand", metavar="")
        for name in sorted(commands):
            subcommands.add_parser(name, help=commands[name](self.prog).help, add_help=False)
        self.add_general_opts(self.parser)
        self.parser.parse_known_args(
            argv
        )  # tells of a word that is no command, and ends with help where it is asked for
        return self.parser.print_help()


def _commands() -> dict[str, Callable[[str], Any]]:
    """What makes each command, by its name."""
    found: dict[str, Callable[[str], Any]] = {e.name: e.load() for e in entry_points(group=GROUP)}
    return found | {ImageBuild.name: ImageBuild}
