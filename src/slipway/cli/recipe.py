"""`slipway recipe`."""

from __future__ import annotations

from pathlib import Path

import click

from slipway.cli.face import Face, says
from slipway.cli.remote import WithRemote
from slipway.cli.remote_recipe import add_to

EXAMPLES = """
slipway recipe check image.yaml
slipway recipe schema > slipway.schema.json    for an editor
slipway recipe list
slipway recipe create compute --distribution sles15 --file recipe.tar.gz
"""


@click.group(cls=WithRemote, examples=EXAMPLES)
def recipe() -> None:
    """Check a recipe; print the schema; recipes of the service."""


@says(verbose=False)
@recipe.command(examples="slipway recipe check image.yaml")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def check(face: Face, *, file: Path) -> None:
    """Validate a recipe without building it.

    Every problem is shown at once, with its place. Nothing is downloaded, so that packages exist is not checked.
    """
    from slipway.recipe import load

    found = load(file)
    face.result({"file": str(file), "tag": found.tag, "valid": True}, lambda: f"{file} is a valid recipe")


@recipe.command(examples="slipway recipe schema > slipway.schema.json")
def schema() -> None:
    """Print the JSON Schema of recipes, for editors and other programs."""
    import json

    from slipway.recipe.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


add_to(recipe)
