"""`slipway sbom`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.complete import image_names
from slipway.cli.face import says
from slipway.cli.lazy import Command

if TYPE_CHECKING:
    from slipway.cli.face import Face

EXAMPLES = """
slipway sbom hello                       of an image in the store
slipway sbom python:3.12-slim            or in a registry
slipway sbom docker-archive:hello.tar --output hello.cdx.json
slipway sbom dir:/srv/root               of a directory, as if it were an image
"""


@says(prints=False)
@click.command(cls=Command, examples=EXAMPLES)
@click.argument("target", shell_complete=image_names)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file."
)
@click.option(
    "--platform", default="", metavar="OS/ARCH", help="Of an image for several platforms, this one."
)
@click.pass_obj
def sbom(face: Face, *, target: str, output: Path | None, platform: str) -> None:
    """List the packages of an image as a CycloneDX document.

    The document is CycloneDX 1.6 in JSON. TARGET is a name or digest in the store, the reference of an image in a registry, or one of oci:DIR[:REF],
    docker-archive:FILE, docker:NAME, dir:PATH, squashfs:FILE and sbom:FILE. Packages of dpkg, apk, rpm, Python, conda and npm
    are found without running anything. What could not be read is told in the document and as a warning.
    """
    from slipway.files import atomic
    from slipway.scan.inventory import take
    from slipway.scan.sbom.cyclonedx import document

    with face.reporter() as reporter:
        inventory = take(target, face.settings(), reporter, platform=platform)
        for text in inventory.unread:
            reporter.warn(text)
    data = json.dumps(document(inventory), indent=1) + "\n"
    if output is None:
        sys.stdout.write(data)
        return
    with atomic(output) as file:
        file.write(data.encode())
