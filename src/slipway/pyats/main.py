"""`pyats-image-build`: the command of the pyATS Image Builder with all its flags, done by `slipway build`.

Where a Docker daemon answers, the image is given to it, as its users expect; otherwise it stays in Slipway's store.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.lazy import Command
from slipway.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "pyats-image-build"
EXAMPLES = """
pyats-image-build image.yaml                   the recipe says the image's tag
pyats-image-build image.yaml -t mypyats:1.0    another tag
pyats-image-build image.yaml -P                push it to the registry in its tag
pyats-image-build image.yaml -n -k             show the plan, keep what would go into the image
"""


@click.command(cls=Command, examples=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-t", "--tag", help="Name of the image; goes before the one in the recipe.")
@click.option("-p", "--path", type=click.Path(), help="Put what goes into the image into this directory.")
@click.option("-P", "--push", is_flag=True, help="Push the image to the registry that its tag begins with.")
@click.option("-c", "--no-cache", is_flag=True, help="Make every layer anew.")
@click.option("-k", "--keep-context", is_flag=True, help="Keep the directory with what goes into the image.")
@click.option("-n", "--dry-run", is_flag=True, help="Set up that directory and show the plan; build nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Say more: every detail of what is done.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    file: Path,
    tag: str | None,
    path: str | None,
    push: bool,
    no_cache: bool,
    keep_context: bool,
    dry_run: bool,
    verbose: bool,
) -> None:
    """Build an image for pyATS from the recipe FILE.

    The image is kept in the store of `slipway` and, if a Docker daemon answers, loaded into it.
    """
    flags = {
        "--push": push,
        "--no-cache": no_cache,
        "--keep-context": keep_context,
        "--dry-run": dry_run,
        "--verbose": verbose,
    }
    words = ["build", *(flag for flag, given in flags.items() if given)]
    words += [f"--tag={tag}"] if tag else []
    words += [f"--path={path}"] if path else []
    if not dry_run and _can_be_loaded(file, tag):
        words.append("--load")
    ctx.exit(run([*words, "--", str(file)]))


def main(argv: Sequence[str] | None = None, prog: str = NAME) -> None:
    """Run the command and end the process with its exit status (those of `slipway`); `prog` is its name in messages."""
    command.main(sys.argv[1:] if argv is None else list(argv), prog_name=prog)


def _can_be_loaded(file: Path, tag: str | None) -> bool:
    """Whether there is a name to load the image under, and a daemon that answers."""
    from slipway.errors import SlipwayError
    from slipway.images.daemon import client
    from slipway.recipe.remembered import load as load_recipe
    from slipway.settings import load

    try:
        settings = load()
        if not (tag or load_recipe(file, settings).tag):
            return False
        with client(settings, hint="") as api:
            api.ping()
    except SlipwayError:  # of the recipe: the build tells; of the daemon: there is none
        return False
    return True
