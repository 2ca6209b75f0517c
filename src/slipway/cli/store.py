"""`slipway store`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from slipway.cli.face import says
from slipway.cli.lazy import Group
from slipway.cli.text import Paint, plural

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway store df
slipway store gc --dry-run
slipway store check
"""
DAY = 24 * 3600


@click.group(cls=Group, examples=EXAMPLES)
def store() -> None:
    """Measure, check and clean the store."""


@says(verbose=False)
@store.command(examples="slipway store gc --dry-run\nslipway store gc --older-than 7")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Remove from the cache what has not been used for so long; 0 empties it.",
)
@click.pass_obj
def gc(face: Face, *, dry_run: bool, older_than: float) -> None:
    """Remove what no image needs and what the cache has not been asked for.

    Images that have no name are kept; `slipway image rm DIGEST` forgets them.
    """
    from slipway.cli import render_images
    from slipway.oci.gc import collect

    report = collect(face.store(), face.settings(), older_than=older_than * DAY, dry_run=dry_run)
    face.result(report.as_dict(), lambda: render_images.gc(report))


@says(verbose=False)
@store.command(examples="slipway store df")
@click.pass_obj
def df(face: Face) -> None:
    """Say how much room images and caches take."""
    from slipway.cli import render_images
    from slipway.oci.gc import usage

    found = usage(face.store(), face.settings())
    face.result(found.as_dict(), lambda: render_images.df(found, Paint(sys.stdout)))


@says(verbose=False)
@store.command(examples="slipway store check")
@click.pass_obj
def check(face: Face) -> None:
    """Read every blob of every image and compare it with its digest.

    Layers of base images that were never needed here are in a registry, and are only counted.
    """
    from slipway.cli import render_images
    from slipway.errors import StoreError
    from slipway.oci.gc import check as check_store

    held = face.store()
    with held.shared():
        found = check_store(held)
    if found.problems:
        raise StoreError(
            f"{plural(len(found.problems), 'problem')} in the store",
            details="\n".join(found.problems),
            hint="build or load the images again; damaged files have to be removed first",
        )
    face.result(found.as_dict(), lambda: render_images.check(found))
