"""The command `slipway`: its options, its commands, and the one way in."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import TYPE_CHECKING

import click

from slipway import __version__
from slipway.cli.exits import guard
from slipway.cli.face import Face, SettingOption, setting_options, verbosity
from slipway.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPLETE = "_SLIPWAY_COMPLETE"  # set by the scripts of `slipway completion`

COMMANDS = {
    "build": ("slipway.cli.build", "Build an image from a recipe."),
    "export-dockerfile": ("slipway.cli.export", "Write a recipe as a Dockerfile with its context."),
    "lock": ("slipway.cli.lock", "Write down every input of an image, with its hash."),
    "run": ("slipway.cli.run", "Run a command in a stored image."),
    "debug": ("slipway.cli.debug", "Open a shell where a step of a build failed."),
    "verify": ("slipway.cli.verify", "Build an image again from its lock and compare."),
    "image": ("slipway.cli.image", "List, inspect, compare, name, pull, push and remove images."),
    "login": ("slipway.cli.login", "Log in to a registry."),
    "logout": ("slipway.cli.login", "Forget the login of a registry."),
    "scan": ("slipway.cli.scan", "Say what is known to be wrong with the packages of images."),
    "advisories": ("slipway.cli.advisories", "Fetch, list, show and serve what is known of weak packages."),
    "sbom": ("slipway.cli.sbom", "List the packages of an image as a CycloneDX or SPDX document."),
    "serve": ("slipway.cli.serve", "Serve recipes, images, artifacts and keys over HTTP."),
    "service": ("slipway.cli.service", "Look after the data of a service."),
    "store": ("slipway.cli.store", "Measure, check and clean the store."),
    "recipe": ("slipway.cli.recipe", "Check a recipe; print the schema; recipes of the service."),
    "artifact": ("slipway.cli.artifact", "Artifacts of images: upload, list, get and remove them."),
    "key": ("slipway.cli.key", "Public keys on the service, for those who log in to jobs."),
    "job": ("slipway.cli.job", "Jobs of the service: what is built and customized."),
    "node": ("slipway.cli.node", "Remote build nodes of the service."),
    "ims-helper": (
        "slipway.cli.ims_helper",
        "What `python -m ims_python_helper` does, with the same flags and output.",
    ),
    "doctor": ("slipway.cli.doctor", "Say what this machine offers and what is missing."),
    "completion": ("slipway.cli.completion", "Print the completion script of a shell."),
}

EXAMPLES = """
slipway build image.yaml                 build, keep the image in the store
slipway build image.yaml --dry-run       show what would be done, and why
slipway run hello -- python3 -V          run a command in it, without a daemon
slipway build image.yaml --load          build and hand it to Docker
"""


class Root(LazyGroup):
    """Lists the settings apart from the other options: they are many, and rarely needed."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        for title, wanted in (("Options", False), ("Settings", True)):
            records = [
                record
                for param in self.get_params(ctx)
                if isinstance(param, SettingOption) is wanted and (record := param.get_help_record(ctx))
            ]
            with formatter.section(title):
                formatter.write_dl(records)
                if wanted:
                    formatter.write_paragraph()
                    formatter.write_text(
                        "Settings can also be SLIPWAY_… variables (SLIPWAY_STORE) or lines of"
                        " ~/.config/slipway/config.toml; the command line wins."
                    )


@click.group(
    cls=Root,
    lazy=COMMANDS,
    params=[*verbosity(), *setting_options()],
    examples=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, "-V", "--version", prog_name="slipway", message="%(prog)s %(version)s")
def cli() -> None:
    """Container images from one YAML file, without a daemon and without root."""


def run(argv: Sequence[str]) -> int:
    """Run the command line and return its exit status; nothing is raised."""
    face = Face()
    return guard(face, lambda: _invoke(face, list(argv)), argv)


def _invoke(face: Face, argv: list[str]) -> object:
    # not `cli.main`: it has its own ideas of interrupts and closed pipes
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "slipway", COMPLETE, instruction)
    with cli.make_context("slipway", argv, obj=face) as ctx:
        return cli.invoke(ctx)


def main() -> None:
    # what is imported lives to the end: looking through all of it for garbage again and again costs 10 ms
    gc.set_threshold(50_000, 20, 20)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a poor locale is no reason to fail
    sys.exit(run(sys.argv[1:]))
