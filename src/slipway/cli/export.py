"""`slipway export-dockerfile`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.build import checked_tag, for_platforms
from slipway.cli.face import Face, says
from slipway.cli.lazy import Command

if TYPE_CHECKING:
    from slipway.build.engines.export import Exported

EXAMPLES = """
slipway export-dockerfile image.yaml out
slipway export-dockerfile image.yaml out --locked --force
docker build --tag hello out
"""


@says()
@click.command("export-dockerfile", cls=Command, examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("-t", "--tag", default="", help="Name of the image instead of the recipe's `tag`.")
@click.option("--platform", metavar="OS/ARCH", help="Write it for this platform instead of the recipe's.")
@click.option("--force", is_flag=True, help="Write to a directory that is not empty; other files in it stay.")
@click.option("--refresh", is_flag=True, help="Ask mirrors and indexes again, however new their answers.")
@click.option(
    "--locked", is_flag=True, help="Take every input from the lock beside the recipe; resolve nothing."
)
@click.option(
    "--offline", is_flag=True, help="As --locked, and download nothing: what is not here is an error."
)
@click.pass_obj
def export_dockerfile(
    face: Face,
    *,
    file: Path,
    directory: Path,
    tag: str,
    platform: str | None,
    force: bool,
    refresh: bool,
    locked: bool,
    offline: bool,
) -> None:
    """Write a recipe as a Dockerfile with its context.

    What needs no command to run (packages, wheels, files) is in DIR/layers as Slipway puts it together; commands are
    lines of DIR/Dockerfile. Docker and buildah make the same image from that as `slipway build`. Standard output
    tells how.
    """
    from slipway.build.api import export_dockerfile as export
    from slipway.build.model import Options
    from slipway.recipe.remembered import load as load_recipe
    from slipway.settings import source_date_epoch

    settings = face.settings().with_(offline=offline or None)
    recipe = for_platforms(load_recipe(file, settings), (platform,) if platform else ())
    tag = tag and checked_tag(tag)
    options = Options(tag=tag, refresh=refresh, epoch=source_date_epoch())
    if locked or offline:
        from slipway.lock.files import read_lock

        options = replace(options, lock=read_lock(file))
    with face.reporter() as reporter:
        done = export(recipe, settings, reporter, options, directory, force=force)
    data = {
        "directory": str(done.directory),
        "files": list(done.files),
        "size": done.size,
        "commands": list(done.commands),
    }
    face.result(data, lambda: _render(done))


def _render(done: Exported) -> str:
    from slipway.cli.text import Paint, plural, printable, size

    paint = Paint(sys.stdout)
    layers = sum(file.startswith("layers/") for file in done.files)
    head = f"{paint(printable(str(done.directory)), 'bold')}: Dockerfile and {plural(layers, 'layer')}, {size(done.size)}"
    return "\n".join([head, *(f"  {printable(line)}" for line in done.commands)])
