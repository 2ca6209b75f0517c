"""`slipway verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.complete import image_names
from slipway.cli.face import Face, says
from slipway.cli.lazy import Command

if TYPE_CHECKING:
    from slipway.cli.text import Paint
    from slipway.images.verify_model import Verified

EXAMPLES = """
slipway verify hello
slipway verify registry.example.org/team/hello:1.2
slipway verify hello --source .          take the local files from here, not from the image
"""


@says()
@click.command(cls=Command, examples=EXAMPLES)
@click.argument("image", shell_complete=image_names)
@click.option(
    "--platform",
    default="",
    metavar="OS/ARCH",
    help="Of an image for several platforms, only this one; default: all of them.",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Directory of the recipe, to take its local files from instead of from the image.",
)
@click.pass_obj
def verify(face: Face, *, image: str, platform: str, source: Path | None) -> None:
    """Build an image again from its lock and compare.

    Every image carries the lock of what went into it. All of it is made anew, and must come out as the image is, byte for
    byte; otherwise the first path that differs is named, and the exit status is 4. An image that is not in the
    store is brought from its registry for this time only. Content that is equal but compressed in another way, as by
    another release of the compressor, is proof enough: a warning says so.
    """
    from slipway.cli.text import Paint
    from slipway.images.verify import NotReproducedError
    from slipway.images.verify import verify as verify_image

    with face.reporter() as reporter:
        results = verify_image(image, face.settings(), reporter, platform=platform, source=source)
        for result in results:
            for line in result.packaging:
                reporter.warn(f"the content is the same, but {line}")
    if any(result.outcome == "different" for result in results):
        raise NotReproducedError(results)
    face.result({"platforms": [r.as_dict() for r in results]}, lambda: _lines(results, Paint(sys.stdout)))


def _lines(results: tuple[Verified, ...], paint: Paint) -> str:
    return "\n".join(_line(result, paint) for result in results)


def _line(done: Verified, paint: Paint) -> str:
    from slipway.cli.text import plural, seconds, short

    what = "every byte is equal" if done.outcome == "verified" else "the content is equal, its packing is not"
    items = plural(done.from_image, "item")
    files = f", {items} of `files` taken from the image" if done.from_image else ""
    return (
        f"{paint(done.image, 'bold')} for {done.platform}  {short(done.digest)}  {paint(done.outcome, 'green')}:"
        f" {what}{files}  {paint(seconds(done.seconds), 'dim')}"
    )
