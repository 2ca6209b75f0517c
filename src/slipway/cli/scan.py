"""`slipway scan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.complete import image_names
from slipway.cli.face import says
from slipway.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from slipway.cli.face import Face

COMMANDS = {
    "source": ("slipway.cli.scan_source", "Scan the files of a project: YAML, code, dependencies, secrets."),
    "diff": ("slipway.cli.scan_history", "Say what is new and what is gone between two images or reports."),
    "history": ("slipway.cli.scan_history", "Show how the findings of an image went over time."),
    "summarize": (
        "slipway.cli.scan_history",
        "Count the findings of several images or reports in one table.",
    ),
    "ecr": ("slipway.cli.scan_ecr", "Read what Amazon's registry found in images."),
    "check-policy": ("slipway.cli.scan_policy", "Check a policy file, its waivers and its VEX files."),
}

EXAMPLES = """
slipway scan hello                                an image in the store
slipway scan --update python:3.12-slim            in a registry, with advisories of today
slipway scan docker-archive:hello.tar dir:/srv/root
slipway scan hello --fail-on high                 exit status 10 if there is something this bad
slipway scan hello --policy policy.yaml -o report.html -o report.sarif
slipway scan diff hello:1 hello:2
"""
FORMATS = ("table", "json", "yaml", "sarif", "cyclonedx", "markdown", "html", "stsci")
LEVELS = ("negligible", "low", "medium", "high", "critical")


FILE = click.Path(path_type=Path, dir_okay=False)


class Images(click.Argument):
    """Not among the words by which the commands of the group are called."""

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return []


class ScanGroup(LazyGroup):
    """Scans images, unless its very first word is one of its commands.

    A command after options would be a guess, so it is refused: it may as well be an image. After `--` all are images.
    """

    allow_interspersed_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] in self.lazy:
            ctx.args = args
            return args
        told = "--" in args  # the parser takes words off this list
        rest = click.Command.parse_args(self, ctx, args)
        named = [name for name in ctx.params.get("images") or () if name in self.lazy]
        if named and not told and not ctx.resilient_parsing:
            raise click.UsageError(
                f"{named[0]!r} is a command: write it directly behind `scan`, or for an image of that name"
                f" `{named[0]}:latest`",
                ctx,
            )
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        if not ctx.args:
            return click.Command.invoke(self, ctx)
        name, command, rest = self.resolve_command(ctx, ctx.args)
        if command is None:
            raise click.NoSuchCommand(str(name), ctx=ctx)
        with command.make_context(name, rest, parent=ctx) as sub:
            return command.invoke(sub)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] IMAGE...")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix="       ")


def targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Images; in the place of the first word the commands too."""
    words = ctx.params.values()
    commands = [] if any(words) else [name for name in COMMANDS if name.startswith(incomplete)]
    return [*commands, *image_names(ctx, param, incomplete)]


@says()
@click.command(cls=ScanGroup, lazy=COMMANDS, examples=EXAMPLES)
@click.argument("images", cls=Images, metavar="IMAGE...", nargs=-1, required=True, shell_complete=targets)
@click.option("--format", "form", type=click.Choice(FORMATS), help="What to print; default: table.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=FILE,
    help="Write it to this file; of several, each in the format of its ending.",
)
@click.option("--all", "everything", is_flag=True, help="Leave nothing out of the table.")
@click.option(
    "--min-level",
    "least",
    type=click.Choice(LEVELS),
    help="In format stsci: list what is of this severity or worse, or of none that is known.",
)
@click.option("--policy", type=FILE, help="What makes an image fail, and what is waived.")
@click.option(
    "--fail-on",
    "level",
    type=click.Choice(LEVELS),
    help="Instead of a policy: fail on this severity or worse.",
)
@click.option("--ignore-unfixed", is_flag=True, help="With --fail-on: what has no fix does not fail.")
@click.option(
    "--vex", multiple=True, type=FILE, help="Statements on what does not apply (OpenVEX, CycloneDX)."
)
@click.option(
    "--approved",
    default="",
    metavar="FILE|IMAGE",
    help="The release before, for a policy on what is new; with --fail-on only what is new fails.",
)
@click.option(
    "--import", "imports", multiple=True, type=FILE, help="Add the report of another scanner on the image."
)
@click.option("--with", "tool", type=click.Choice(["trivy", "grype"]), help="Run that scanner as well.")
@click.option("--update", is_flag=True, help="Bring the advisories that are needed up to date first.")
@click.option(
    "--platform", default="", metavar="OS/ARCH", help="Of an image for several platforms, this one."
)
@click.option("--no-history", is_flag=True, help="Do not keep the scan in the history of the image.")
@click.pass_obj
def scan(face: Face, /, *, images: tuple[str, ...], **options: Any) -> int:
    """Say what is known to be wrong with the packages of images.

    IMAGE is a name or digest in the store, the reference of an image in a registry, or one of oci:DIR[:REF],
    docker-archive:FILE, docker:NAME, dir:PATH, squashfs:FILE and sbom:FILE. Only advisories that are on this machine are used;
    `slipway advisories update` or --update brings them.

    The exit status is 0 when all images pass, 10 when one fails the policy, 11 when it could not be told. Without a
    policy it is 11 when a scan is not complete, else 0.

    A first word that is one of the commands below is that command; an image of such a name is written with its tag
    (`source:latest`), or after `--`.
    """
    from slipway.cli.scan_images import Asked, run

    return run(face, images, Asked(**options))
