"""`slipway sbom`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.complete import image_names
from slipway.cli.face import says
from slipway.cli.lazy import Command
from slipway.scan.sbom.write import FORMATS, format_of, written

if TYPE_CHECKING:
    from slipway.cli.face import Face
    from slipway.scan.model import Inventory

EXAMPLES = """
slipway sbom hello                       of an image in the store
slipway sbom hello --format spdx
slipway sbom python:3.12-slim            or in a registry
slipway sbom docker-archive:hello.tar --output hello.spdx.json
slipway sbom dir:/srv/root               of a directory, as if it were an image
"""


@says(prints=False)
@click.command(cls=Command, examples=EXAMPLES)
@click.argument("target", shell_complete=image_names)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="CycloneDX 1.6 or SPDX 2.3, both in JSON. Default: what the file's name ends in (.cdx.json, .spdx.json), else cyclonedx.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file."
)
@click.option(
    "--platform", default="", metavar="OS/ARCH", help="Of an image for several platforms, this one."
)
@click.pass_obj
def sbom(face: Face, *, target: str, form: str | None, output: Path | None, platform: str) -> None:
    """List the packages of an image as a CycloneDX or SPDX document.

    TARGET is a name or digest in the store, the reference of an image in a registry, or one of oci:DIR[:REF],
    docker-archive:FILE, docker:NAME, dir:PATH, squashfs:FILE and sbom:FILE. Packages of dpkg, apk, rpm, Python, conda and npm
    are found without running anything. What could not be read is told in the document and as a warning.
    """
    from slipway.files import atomic
    from slipway.scan.inventory import take

    form = form or format_of(str(output or "")) or next(iter(FORMATS))
    with face.reporter() as reporter:
        inventory = take(target, face.settings(), reporter, platform=platform)
        for text in inventory.unread:
            reporter.warn(text)
    data = written(_dated(inventory), form)
    if output is None:
        sys.stdout.write(data.decode())
        return
    with atomic(output) as file:
        file.write(data)


def _dated(inventory: Inventory) -> Inventory:
    """With the time of the document: the image's own, so that the same image gives the same document; a directory has none."""
    if inventory.created:
        return inventory
    import time

    from slipway.scan.times import stamp
    from slipway.settings import source_date_epoch

    epoch = source_date_epoch()
    return replace(inventory, created=stamp(time.time() if epoch is None else epoch))
